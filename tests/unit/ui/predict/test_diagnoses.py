import csv
from collections import Counter

import pytest
from hypothesis import given

from ml.features.icd9 import categories
from ml.schema import BY_NAME, canonical_icd9
from ml.schema.marginals import MARGINALS
from tests.support.codes import ICD9_SPELLINGS
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
        ("0389", "38.9"),
        ("25060", "250.6"),
        ("e909.1", "E909.1"),
        ("heart failure", "428"),
        ("Insuficiencia cardiaca", "428"),
        ("parkinson", "332"),
    ],
)
def test_a_code_or_a_name_is_parsed_as_the_code_of_the_data_set(entry: str, code: str) -> None:
    assert diagnoses.code_of(entry) == code


@given(ICD9_SPELLINGS)
def test_a_code_in_any_spelling_is_parsed_as_by_the_api(code: str) -> None:
    assert diagnoses.code_of(code) == canonical_icd9(code)


@pytest.mark.parametrize("entry", ["flu", "E90", "4283.1", "", "?"])
def test_other_entries_are_unchanged(entry: str) -> None:
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
        ("flu", "flu"),
    ],
)
def test_the_label_has_the_name_of_the_code_or_of_the_nearest_code_above_it(code: str, label: str) -> None:
    assert diagnoses.label(code) == label


def test_names_are_in_the_language_of_the_session(spanish: None) -> None:
    assert diagnoses.label("428.0") == "428.0 Insuficiencia cardíaca"


def test_every_choice_is_a_valid_code_with_a_label_of_its_own() -> None:
    codes = diagnoses.choices()
    assert all(DIAGNOSIS.accepts(code) for code in codes)
    assert len({diagnoses.label(code) for code in codes}) == len(codes)


def test_every_label_is_parsed_as_its_code() -> None:
    assert all(diagnoses.code_of(diagnoses.label(code)) == code for code in diagnoses.choices())


def test_every_category_has_a_name_or_a_chapter() -> None:
    bare = {code for code in categories() if diagnoses.label(code) == diagnoses._padded(code)}
    assert bare == {"V00", *(f"V{number}" for number in range(92, 100))}


def test_the_choices_include_the_most_frequent_diagnoses() -> None:
    frequent = {str(code) for name in ("diag_1", "diag_2", "diag_3") for code in MARGINALS[name]} - {"?"}
    assert {code.partition(".")[0] for code in frequent} <= set(diagnoses.choices())


def test_codes_and_names_of_the_file_are_unique_and_not_empty() -> None:
    with diagnoses.FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row[column].strip() == row[column] != "" for row in rows for column in ("code", "en", "es"))
    for column in ("code", "en", "es"):
        assert max(Counter(row[column] for row in rows).values()) == 1


def test_the_choices_include_the_current_code() -> None:
    assert diagnoses.choices("428.31")[-1] == "428.31"
    assert diagnoses.choices("428") == diagnoses.choices()


@pytest.mark.parametrize(("entry", "code"), [("J44.9", "496"), ("e1140", "250.6"), ("U07.1", "U07.1")])
def test_a_code_of_icd_10_cm_becomes_its_counterpart_if_it_has_one(entry: str, code: str) -> None:
    assert diagnoses.code_of(entry) == code
