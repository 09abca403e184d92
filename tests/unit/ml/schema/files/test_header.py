"""The names of columns, as other programs write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.schema import COLUMN_NAMES
from ml.schema.files.errors import HeaderError
from ml.schema.files.header import Header, misspelt, read_header, separator_of


def errors_of(text: str) -> list[tuple[str, str]]:
    with pytest.raises(HeaderError) as caught:
        read_header(text, 1, reserved=("readmission_risk",))
    return caught.value.names


def test_the_header_of_the_data_set_is_read_as_delivered() -> None:
    header = read_header(",".join(COLUMN_NAMES), 1)

    assert header.names == COLUMN_NAMES
    assert (header.known, header.foreign) == (list(COLUMN_NAMES), [])


@given(
    delimiter=st.sampled_from(",;\t|"),
    spell=st.sampled_from([str.upper, str.title, lambda name: name.replace("_", " "), lambda name: f" {name} "]),
    quoted=st.booleans(),
    names=st.permutations(COLUMN_NAMES),
)
def test_delimiter_letter_case_and_spaces_make_no_difference(
    delimiter: str, spell: object, quoted: bool, names: list[str]
) -> None:
    spelt = [spell(name) for name in names]  # type: ignore[operator]
    header = read_header(delimiter.join(f'"{name}"' if quoted else name for name in spelt), 1)

    assert (header.delimiter, header.known) == (delimiter, names)


def test_names_as_r_writes_them_are_known() -> None:
    assert read_header("glyburide.metformin,diabetesMed", 1).known == ["glyburide-metformin", "diabetesMed"]


@pytest.mark.parametrize(
    "name", ["mrn", "ward", "Name", "patient_name", "diag_4", "age, free text", "=1+1", "admission_date"]
)
def test_other_columns_are_foreign(name: str) -> None:
    header = read_header(f'age;"{name}"', 1)

    assert (header.known, header.foreign) == (["age"], [name])


def test_a_column_without_a_name_is_foreign() -> None:
    assert read_header(",age,,", 1).foreign == [f"column {place} without a name" for place in (1, 3, 4)]


@pytest.mark.parametrize(
    ("name", "column"),
    [("time_in_hospitl", "time_in_hospital"), ("Number Inpatients", "number_inpatient"), ("wieght", "weight")],
)
def test_a_misspelt_column_is_an_error_with_a_hint(name: str, column: str) -> None:
    message = f"unknown field '{name}'; did you mean '{column}'? If it is another column, rename it"

    assert errors_of(f"age,{name}") == [(name, message)]
    assert misspelt(name) == column


def test_a_name_like_a_column_that_the_file_has_is_foreign() -> None:
    assert read_header("admission_type,admission_type_id", 1).foreign == ["admission_type"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age,Age", "the header names column 'age' twice"),
        ("age,readmission_risk", "column 'readmission_risk' belongs to a result; send the file without it"),
        (
            "inpatients",
            "no column of the header is of the data set; unknown field 'inpatients'; did you mean 'number_inpatient'?",
        ),
        (
            "colour",
            "no column of the header is of the data set; unknown field 'colour'; the fields are listed under /docs",
        ),
        (",,", "the first line must name the columns"),
        ("a," * 1_500, "the header names 1501 columns; at most 1000 are read"),
    ],
)
def test_an_invalid_header_is_refused(text: str, message: str) -> None:
    assert errors_of(text)[0][1] == message


@pytest.mark.parametrize(("line", "delimiter"), [("sep=;", ";"), ('"sep=,"', ","), ("SEP=\t", "\t"), ("sep=;;;;", ";")])
def test_the_line_of_excel_that_names_the_separator(line: str, delimiter: str) -> None:
    assert separator_of(line) == delimiter
    assert separator_of("sep") is None


def test_the_named_separator_counts() -> None:
    assert read_header("age;race,gender", 2, ";") == Header(
        ";", ("age", "race,gender"), read_header("age;x", 2).columns
    )
