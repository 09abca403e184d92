"""The schema: columns, code books, marginal frequencies, accepted values."""

import re

import pytest

from ml.schema import (
    BY_NAME,
    CANNOT_BE_READMITTED,
    COLUMN_NAMES,
    COLUMNS,
    EXAMPLE_RECORD,
    FEATURES,
    GENUINE_OUTCOMES,
    GENUINE_ROWS,
    ICD9_PATTERN,
    UNKNOWN,
    Column,
    Group,
    Kind,
    Missing,
    codes,
)
from ml.schema.marginals import MARGINALS

CODED = [c for c in COLUMNS if c.kind is Kind.CODE]


def test_there_are_fifty_columns_and_forty_seven_features() -> None:
    assert len(COLUMNS) == len(set(COLUMN_NAMES)) == 50
    assert len(FEATURES) == 47
    assert {c.name for c in COLUMNS} - {c.name for c in FEATURES} == {"encounter_id", "patient_nbr", "readmitted"}


def test_columns_are_in_the_order_of_the_delivered_file() -> None:
    assert COLUMN_NAMES[:6] == ("encounter_id", "patient_nbr", "race", "gender", "age", "weight")
    assert COLUMN_NAMES[-3:] == ("change", "diabetesMed", "readmitted")


def test_there_are_twenty_three_drugs_with_the_four_doses() -> None:
    drugs = [c for c in FEATURES if c.allowed == ("No", "Steady", "Up", "Down")]

    assert len(drugs) == 23
    assert all(c.group is Group.MEDICATIONS for c in drugs)


@pytest.mark.parametrize("column", FEATURES, ids=lambda c: c.name)
def test_every_feature_has_a_label_and_an_example_it_accepts(column: Column) -> None:
    assert column.label
    assert column.accepts(column.example)
    assert EXAMPLE_RECORD[column.name] == column.example


@pytest.mark.parametrize("column", CODED, ids=lambda c: c.name)
def test_every_code_has_a_meaning(column: Column) -> None:
    assert set(column.texts) == set(column.allowed)
    assert all(text.strip() == text and text for text in column.texts.values())


def test_the_code_books_have_every_id_of_the_mapping_file() -> None:
    assert set(codes.ADMISSION_TYPE) == set(range(1, 9))
    assert set(codes.DISCHARGE_DISPOSITION) == set(range(1, 31))
    assert set(codes.ADMISSION_SOURCE) == set(range(1, 27)) - {16}
    assert len(codes.PAYER) == 17
    assert len(set(codes.SPECIALTIES)) == 72


def test_death_and_hospice_are_excluded_dispositions() -> None:
    meant = {code for code, text in codes.DISCHARGE_DISPOSITION.items() if re.search("Expired|Hospice", text)}

    assert meant == CANNOT_BE_READMITTED == {11, 13, 14, 19, 20, 21}


@pytest.mark.parametrize("name", MARGINALS)
def test_every_value_that_occurs_is_allowed(name: str) -> None:
    column = BY_NAME[name]
    known = [value for value in MARGINALS[name] if value != UNKNOWN]

    assert [value for value in known if not column.accepts(value)] == []
    assert sum(MARGINALS[name].values()) <= GENUINE_ROWS
    assert column.missing is Missing.UNKNOWN or UNKNOWN not in MARGINALS[name]


def test_every_feature_has_its_frequencies() -> None:
    assert set(MARGINALS) == {c.name for c in FEATURES}
    assert sum(GENUINE_OUTCOMES.values()) == GENUINE_ROWS


@pytest.mark.parametrize("name", ["A1Cresult", "max_glu_serum"])
def test_not_measured_is_a_category_and_not_a_missing_value(name: str) -> None:
    column = BY_NAME[name]

    assert column.missing is Missing.NOT_MEASURED
    assert column.accepts("None")
    assert column.text_of("None") == "Not measured"


@pytest.mark.parametrize("code", ["428", "250.83", "V27", "E909", "8", "38.1", "V45.81", "E849.7"])
def test_a_diagnosis_code_is_accepted(code: str) -> None:
    assert BY_NAME["diag_1"].accepts(code)


@pytest.mark.parametrize("code", ["", "?", "250.123", "V2", "E90", "None", 428, 428.0, True])
def test_an_invalid_diagnosis_code_is_refused(code: object) -> None:
    assert not BY_NAME["diag_1"].accepts(code)


@pytest.mark.parametrize("value", [0, 15, "3", 3.0, True, None, 10**30])
def test_a_count_accepts_integers_in_its_range_only(value: object) -> None:
    assert not BY_NAME["time_in_hospital"].accepts(value)


@pytest.mark.parametrize("value", ["1", 1.0, True, 9])
def test_a_code_accepts_the_numbers_of_its_code_book_only(value: object) -> None:
    assert not BY_NAME["admission_type_id"].accepts(value)


def test_expectations_read_as_the_end_of_a_sentence() -> None:
    assert BY_NAME["gender"].expectation == "one of 'Female', 'Male', 'Unknown/Invalid'"
    assert BY_NAME["admission_type_id"].expectation == "one of 1, 2, 3, 4, 5, 6, 7, 8"
    assert BY_NAME["time_in_hospital"].expectation == "a whole number from 1 to 14"
    assert BY_NAME["diag_1"].expectation == "an ICD-9-CM code such as 428, 250.83, V27 or E909"


def test_the_pattern_of_diagnoses_is_anchored_at_both_ends() -> None:
    assert ICD9_PATTERN.startswith("^")
    assert ICD9_PATTERN.endswith("$")
