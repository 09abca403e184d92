from ml.core.pseudonyms import Mode, Pseudonyms

KEY = b"key of this installation"


def test_a_pseudonym_depends_on_the_key() -> None:
    assert Pseudonyms(KEY, "hash").encounter(7) == Pseudonyms(KEY, "hash").encounter(7)
    assert Pseudonyms(KEY, "hash").encounter(7) != Pseudonyms(b"another", "hash").encounter(7)
    assert Pseudonyms(KEY, "hash").encounter(7) != Pseudonyms(KEY, "hash").encounter(70)


def test_a_patient_and_an_encounter_with_the_same_number_differ() -> None:
    made = Pseudonyms(KEY, "hash")

    assert made.patient(7) != made.encounter(7)


def test_a_text_has_a_pseudonym_as_a_number_has() -> None:
    made = Pseudonyms(KEY, "hash")

    assert len({made.patient(text) for text in (82, "0082", "MRN-7", "mrn-7")}) == 4
    assert made.patient("MRN-7") == made.patient("MRN-7") != made.encounter("MRN-7")
    assert Pseudonyms(KEY, "plain").patient("MRN-7") == "MRN-7"
    assert Pseudonyms(KEY, "none").encounter("MRN-7") is None


def test_mode_plain_logs_the_number_and_mode_none_logs_nothing() -> None:
    assert Pseudonyms(KEY, "plain").patient(7) == "7"
    assert Pseudonyms(KEY, "none").patient(7) is None
    assert Pseudonyms(KEY, "hash").patient(None) is None


def test_an_address_is_never_logged_in_plain() -> None:
    modes: tuple[Mode, ...] = ("hash", "plain", "none")
    for mode in modes:
        made = Pseudonyms(KEY, mode)
        assert made.client("192.0.2.7") == made.client("192.0.2.7") != made.client("192.0.2.8")
        assert "192.0.2.7" not in made.client("192.0.2.7")
