"""The spellings of values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.schema import BY_NAME, COLUMNS, Column, Kind, Missing
from ml.schema.code_systems import COLUMNS_IN, CodeSystem
from ml.schema.files.values import UNKNOWN_WORDS, ValueReader, read_value
from tests.support.codes import ICD9_CODES


def values_of(column: Column) -> st.SearchStrategy[Any]:
    if column.kind is Kind.ICD9:
        return ICD9_CODES
    return st.sampled_from(column.allowed) if column.allowed else st.integers(column.low, column.high)


CELLS = st.sampled_from(COLUMNS).flatmap(lambda column: st.tuples(st.just(column), values_of(column)))
SPACES = st.sampled_from(["", " ", "\t", "\xa0", "  "])


@given(cell=CELLS, before=SPACES, after=SPACES, spell=st.sampled_from([str, str.upper, str.lower, str.title]))
def test_spaces_and_letter_case_make_no_difference_and_are_not_reported(
    cell: tuple[Column, Any], before: str, after: str, spell: Any
) -> None:
    column, value = cell
    text = str(value) if column.kind is Kind.ICD9 else spell(str(value))

    assert read_value(column, f"{before}{text}{after}") == (value, False)


@given(cell=CELLS.filter(lambda cell: cell[0].is_number), end=st.sampled_from([".0", ",0", ".00", ",00"]))
def test_a_whole_number_may_have_decimals(cell: tuple[Column, int], end: str) -> None:
    assert read_value(cell[0], f"{cell[1]}{end}") == (cell[1], False)


@pytest.mark.parametrize("word", sorted(UNKNOWN_WORDS))
@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_words_for_unknown_are_unknown_in_every_column(column: Column, word: str) -> None:
    assert read_value(column, word.upper()) == read_value(column, f" {word}") == (None, False)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_none_is_a_value_of_the_laboratory_columns_and_else_an_error(column: Column) -> None:
    if column.missing is Missing.NOT_MEASURED:
        assert read_value(column, "none") == ("None", False)
    else:
        with pytest.raises(ValueError):  # noqa: PT011
            read_value(column, "None")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("gender", "F", "Female"), ("gender", "m", "Male"),
        ("age", "67", "[60-70)"), ("age", "67.0", "[60-70)"), ("age", "67,5", "[60-70)"), ("age", "0", "[0-10)"),
        ("age", "60-70", "[60-70)"), ("age", "60 to 70", "[60-70)"), ("age", "60–69", "[60-70)"),
        ("age", "[60-70]", "[60-70)"), ("age", "Oct-20", "[10-20)"), ("age", "10-Oct", "[10-20)"),
        ("age", "20-Oct", "[10-20)"), ("age", "Okt 20", "[10-20)"), ("age", "20. Okt", "[10-20)"),
        ("age", "2020-10-01 00:00:00", "[10-20)"), ("age", "2026-10-20", "[10-20)"),
        ("weight", "180", "[175-200)"), ("weight", "180,5", "[175-200)"), ("weight", "180 lbs", "[175-200)"),
        ("weight", "80 kg", "[175-200)"), ("weight", "250", ">200"), ("weight", "75-100", "[75-100)"),
        ("weight", "> 200", ">200"), ("race", "African American", "AfricanAmerican"), ("A1Cresult", "> 8", ">8"),
        ("medical_specialty", "internal medicine", "InternalMedicine"), ("diabetesMed", "Y", "Yes"),
    ],
)  # fmt: skip
def test_other_words_for_a_value_are_mapped_and_reported(name: str, text: str, value: str) -> None:
    assert read_value(BY_NAME[name], text) == (value, True)


@pytest.mark.parametrize(("text", "value"), [("250,83", "250.83"), ("428", "428"), ("V27", "V27")])
def test_a_diagnosis_may_have_a_decimal_comma(text: str, value: str) -> None:
    assert read_value(BY_NAME["diag_1"], text) == (value, False)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gender", "X"), ("race", "Caucasean"), ("race", "-Caucasian"), ("race", "=Asian"), ("age", "101"),
        ("age", "60-80"), ("age", "-5"), ("age", "Nov-20"), ("weight", "0"), ("weight", "9999"), ("insulin", "None"),
        ("time_in_hospital", "3.5"), ("time_in_hospital", "-3"), ("time_in_hospital", "1e1"),
        ("time_in_hospital", "٣"), ("time_in_hospital", "15"), ("time_in_hospital", "3."),
        ("patient_nbr", "1.000"), ("patient_nbr", "1,000"), ("patient_nbr", "9" * 129), ("patient_nbr", "1.8E+08"),
        ("readmitted", "=1+1"),
    ],
)  # fmt: skip
def test_other_texts_are_errors(name: str, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        ValueReader(BY_NAME[name]).read(text)


@given(column=st.sampled_from(COLUMNS), text=st.text(max_size=12) | st.from_regex(r"[0-9V.E,<>\- ]{1,6}"))
def test_any_text_is_a_value_of_the_schema_unknown_or_an_error(column: Column, text: str) -> None:
    reader = ValueReader(column)
    try:
        value = reader.read(text)
    except ValueError:
        return
    assert value is None or column.accepts(value)
    assert reader.read(text) == value


def test_codes_of_icd_10_cm_are_read_in_any_spelling() -> None:
    reader = ValueReader(COLUMNS_IN[CodeSystem.ICD10]["diag_1"])

    assert [reader.read(text) for text in (" e119", "E11.9", "NA")] == ["E11.9", "E11.9", None]
    with pytest.raises(ValueError, match="is not an ICD-10-CM code"):
        reader.read("428")
