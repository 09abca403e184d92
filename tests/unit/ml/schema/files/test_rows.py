"""Records of a file, and what is told about them."""

import pytest

from ml.schema import BY_NAME
from ml.schema.files.errors import ErrorGroups, RowError
from ml.schema.files.formulas import harmless
from ml.schema.files.header import read_header
from ml.schema.files.rows import NOT_MEASURED_LOST, RowReader, describe_mapped


def reader(header: str) -> RowReader:
    return RowReader(read_header(header, 1))


def test_foreign_cells_are_not_read() -> None:
    assert reader("mrn;age;ward").read("=1+1;67;x") == {"age": "[60-70)"}


def test_empty_cells_after_the_last_column_are_ignored() -> None:
    rows = reader("age,race")

    assert rows.read("67,Asian") == {"age": "[60-70)", "race": "Asian"}
    assert rows.is_regular
    assert rows.cells_of("67,Asian,,") == ["67", "Asian"]
    assert not rows.is_regular


@pytest.mark.parametrize(("text", "count"), [("67", 1), ("67,Asian,x", 3)])
def test_another_number_of_cells_is_an_error(text: str, count: int) -> None:
    with pytest.raises(RowError, match=f"^the line has {count} values, the header names 2$"):
        reader("age,race").read(text)


def test_mapped_texts_are_described_in_one_line() -> None:
    rows = reader("gender,age,weight")
    for text in ("F,61,", "M,62,150", "Female,63,", "F,64,", "F,65,", "F,66,", "F,[60-70),"):
        rows.read(text)

    assert describe_mapped(rows.mapped) == (
        "gender: F = Female, M = Male; age (years): 61 = [60-70), 62 = [60-70), 63 = [60-70), 64 = [60-70), "
        "65 = [60-70) and 1 more; weight (pounds): 150 = [150-175)"
    )


@pytest.mark.parametrize(
    ("lines", "warning"),
    [
        (["NaN,", ",>8"], NOT_MEASURED_LOST),
        (["None,", ",>8"], None),
        ([">200,>8", "Norm,Norm"], None),
        (["none,none"], None),
    ],
)
def test_laboratory_columns_without_none_are_a_warning(lines: list[str], warning: str | None) -> None:
    rows = reader("max_glu_serum,A1Cresult")
    for line in lines:
        rows.read(line)

    assert rows.warning == warning
    assert reader("age").warning is None


def test_the_same_fault_is_one_group_with_its_first_lines_and_a_suggestion() -> None:
    groups = ErrorGroups()
    for line in range(2, 52):
        groups.add(BY_NAME["race"], "Caucasean", line - 2, line)
    groups.add(None, "the line has 1 values, the header names 2", 60, 62)
    group, other = groups

    assert (groups.count, group.count, group.lines, group.record) == (51, 50, [2, 3, 4, 5, 6], 0)
    assert (group.suggestion, other.suggestion) == ("Caucasian", None)


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "+49 170 123", "-2+cmd|' /C calc'!A0", "\n=1"],
)
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "-3", "+3", "-3.5", "-3,5", "1e-5", "-", "--", "[60-70)", "a=b", "Müller", " x", "#N/A"]
)
def test_numbers_and_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


def test_records_by_column_have_the_values_and_errors_of_single_records() -> None:
    header = "encounter_id;patient_nbr;Age;gender;diag_1;ward"
    lines = ["7;P-1;67;f;25083;x", ";8,0;[60-70);?;428;", "1e+9;9;old;Male;4280000;y", "5;6", "7;7;67;F;E119;z"] * 3
    whole, single = reader(header), reader(header)
    columns, errors = whole.read_columns(lines)

    for position, line in enumerate(lines):
        if position in errors:
            with pytest.raises(RowError) as found:
                single.read(line)
            assert (found.value.message, found.value.cells) == (errors[position].message, errors[position].cells)
        else:
            known = {name: values[position] for name, values in columns.items() if values[position] is not None}
            assert known == single.read(line)
    assert sorted(errors) == [2, 3, 4, 7, 8, 9, 12, 13, 14]
    assert whole.mapped == single.mapped
