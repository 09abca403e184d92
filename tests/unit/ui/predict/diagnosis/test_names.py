import csv
from collections import Counter

import pytest
from hypothesis import given

from ml.features.icd9 import categories
from ml.schema import BY_NAME, canonical_icd9
from ml.schema.code_systems import CodeSystem
from ml.schema.marginals import MARGINALS
from ml.schema.translations import Language
from tests.support.codes import ICD9_SPELLINGS
from ui.predict.diagnosis import names

DIAGNOSIS = BY_NAME["diag_1"]


@pytest.fixture
def spanish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "current_language", lambda: Language.SPANISH)


@given(ICD9_SPELLINGS)
def test_a_code_in_any_spelling_is_parsed_as_by_the_api(code: str) -> None:
    assert names.canonical(code) == canonical_icd9(code)


@pytest.mark.parametrize(
    ("entry", "system", "code"),
    [
        ("428 Heart failure", CodeSystem.ICD9, "428"),
        ("V45.1", CodeSystem.ICD9, "V45.1"),
        ("V451", CodeSystem.ICD10, "V45.1"),  # valid in both: the choice decides
        ("e1140", CodeSystem.ICD10, "E11.40"),
        ("e1140", CodeSystem.ICD9, None),
        ("428", CodeSystem.ICD10, None),
        ("", CodeSystem.ICD9, None),
        ("heart failure", CodeSystem.ICD10, None),
    ],
)
def test_a_code_is_read_in_the_chosen_code_system_only(entry: str, system: CodeSystem, code: str | None) -> None:
    assert names.canonical(entry, system) == code


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
    assert names.label(code) == label


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("I50.9", "I50.9 → 428 Heart failure"),
        ("U07.1", "U07.1 (no counterpart in ICD-9-CM: counts as unknown)"),
        ("flu", "flu"),
    ],
)
def test_the_label_of_a_code_of_icd_10_cm_has_what_it_becomes(code: str, label: str) -> None:
    assert names.label(code, CodeSystem.ICD10) == label


def test_names_are_in_the_language_of_the_session(spanish: None) -> None:
    assert names.label("428.0") == "428.0 Insuficiencia cardíaca"


def test_every_name_is_of_a_valid_code_with_a_label_of_its_own() -> None:
    assert all(DIAGNOSIS.accepts(code) for code in names.names())
    assert len({names.label(code) for code in names.names()}) == len(names.names())


def test_every_category_has_a_name_or_a_chapter() -> None:
    bare = {code for code in categories() if names.label(code) == names._padded(code)}
    assert bare == {"V00", *(f"V{number}" for number in range(92, 100))}


def test_the_most_frequent_diagnoses_have_names() -> None:
    frequent = {str(code) for name in ("diag_1", "diag_2", "diag_3") for code in MARGINALS[name]} - {"?"}
    assert {code.partition(".")[0] for code in frequent} <= set(names.names())


def test_codes_and_names_of_the_file_are_unique_and_not_empty() -> None:
    with names.FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row[column].strip() == row[column] != "" for row in rows for column in ("code", "en", "es"))
    for column in ("code", "en", "es"):
        assert max(Counter(row[column] for row in rows).values()) == 1
