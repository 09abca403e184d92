import csv
from collections import Counter

import pytest

from ml.features.icd9 import categories
from ml.schema import BY_NAME
from ml.schema.marginals import MARGINALS
from ui.i18n.language import Language
from ui.predict import diagnoses

DIAGNOSIS = BY_NAME["diag_1"]


@pytest.fixture
def spanish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnoses, "current_language", lambda: Language.SPANISH)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("428", "428"),
        (" 250.83 ", "250.83"),
        ("428 Heart failure", "428"),
        ("038 Septicemia", "38"),
        ("008.45", "8.45"),
        ("v27", "V27"),
        ("e909.1", "E909.1"),
        ("heart failure", "428"),
        ("Insuficiencia cardiaca", "428"),
        ("parkinson", "332"),
    ],
)
def test_a_code_or_a_name_is_read_as_the_code_that_the_data_set_writes(entry: str, code: str) -> None:
    assert diagnoses.code_of(entry) == code


@pytest.mark.parametrize("entry", ["flu", "E90", "4283.1", "", "?"])
def test_what_is_neither_a_code_nor_one_diagnosis_comes_back_as_it_was_typed(entry: str) -> None:
    assert diagnoses.code_of(entry) == entry


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("428", "428 Heart failure"),
        ("428.31", "428.31 Heart failure"),
        ("250.83", "250.83 Diabetes with other specified manifestations"),
        ("250", "250 Diabetes mellitus"),
        ("250.02", "250.02 Diabetes without complication, type II, uncontrolled"),
        ("38", "038 Septicemia"),
        ("343.9", "343.9 (Diseases of the nervous system and sense organs)"),
        ("E909", "E909 (External causes of injury)"),
        ("0", "000"),
        ("flu", "flu"),
    ],
)
def test_a_code_is_shown_with_its_name_else_that_of_the_nearest_above_it(code: str, label: str) -> None:
    assert diagnoses.label(code) == label


def test_names_are_in_the_language_of_the_session(spanish: None) -> None:
    assert diagnoses.label("428.0") == "428.0 Insuficiencia cardíaca"


def test_every_choice_is_a_code_that_the_schema_takes_and_reads_like_no_other() -> None:
    codes = diagnoses.choices()
    assert all(DIAGNOSIS.accepts(code) for code in codes)
    assert len({diagnoses.label(code) for code in codes}) == len(codes)


def test_what_a_choice_reads_as_is_read_back_as_the_same_code() -> None:
    assert all(diagnoses.code_of(diagnoses.label(code)) == code for code in diagnoses.choices())


def test_every_category_of_the_book_has_a_name_or_a_chapter() -> None:
    bare = {code for code in categories() if diagnoses.label(code) == diagnoses._padded(code)}
    assert bare == {"0", "00", "000", "V00", *(f"V{number}" for number in range(92, 100))}


def test_the_most_frequent_diagnoses_of_the_data_set_can_be_chosen() -> None:
    frequent = {str(code) for name in ("diag_1", "diag_2", "diag_3") for code in MARGINALS[name]} - {"?"}
    assert {code.partition(".")[0] for code in frequent} <= set(diagnoses.choices())


def test_the_file_names_no_code_and_no_diagnosis_twice_and_leaves_nothing_empty() -> None:
    with diagnoses.FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row[column].strip() == row[column] != "" for row in rows for column in ("code", "en", "es"))
    for column in ("code", "en", "es"):
        assert max(Counter(row[column] for row in rows).values()) == 1


def test_a_given_code_is_among_the_choices() -> None:
    assert diagnoses.choices("428.31")[-1] == "428.31"
    assert diagnoses.choices("428") == diagnoses.choices()
