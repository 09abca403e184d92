from ml.core.pseudonyms import Mode, Pseudonyms

KEY = b"key of this installation"


def test_a_number_has_the_same_pseudonym_for_as_long_as_the_key_lives() -> None:
    assert Pseudonyms(KEY, "hash").encounter(7) == Pseudonyms(KEY, "hash").encounter(7)
    assert Pseudonyms(KEY, "hash").encounter(7) != Pseudonyms(b"another", "hash").encounter(7)
    assert Pseudonyms(KEY, "hash").encounter(7) != Pseudonyms(KEY, "hash").encounter(70)


def test_a_patient_and_an_encounter_of_the_same_number_have_nothing_in_common() -> None:
    made = Pseudonyms(KEY, "hash")

    assert made.patient(7) != made.encounter(7)


def test_plain_keeps_the_number_and_none_keeps_nothing() -> None:
    assert Pseudonyms(KEY, "plain").patient(7) == "7"
    assert Pseudonyms(KEY, "none").patient(7) is None
    assert Pseudonyms(KEY, "hash").patient(None) is None


def test_an_address_is_never_kept_as_it_is() -> None:
    modes: tuple[Mode, ...] = ("hash", "plain", "none")
    for mode in modes:
        made = Pseudonyms(KEY, mode)
        assert made.client("192.0.2.7") == made.client("192.0.2.7") != made.client("192.0.2.8")
        assert "192.0.2.7" not in made.client("192.0.2.7")
