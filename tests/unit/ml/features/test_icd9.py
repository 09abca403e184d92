"""ICD-9-CM: order, category, chapter and conditions of a code."""

import re

import pytest
from hypothesis import given

from ml.features import icd9
from ml.schema import ICD9_PATTERN, UNKNOWN
from tests.support.codes import ICD9_CODES


def named(code: str) -> set[str]:
    """The conditions of a code."""
    found = icd9.conditions(icd9.order(code))
    return {name for name, present in zip(icd9.CONDITIONS, found, strict=True) if present}


@pytest.mark.parametrize(
    ("code", "place"),
    [("428", 428), ("428.31", 428.31), ("008", 8), ("8", 8), ("V27", 1027), ("V01.5", 1001.5), ("E909.9", 2109.9)],
)
def test_order_of_a_code(code: str, place: float) -> None:
    assert icd9.order(code) == pytest.approx(place)


@pytest.mark.parametrize("text", ["", UNKNOWN, "None", "4 28", "V", "W12", "428.", ".5", "-1", "250.8.1", "1e3"])
def test_an_invalid_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an ICD-9-CM code"):
        icd9.order(text)


@given(ICD9_CODES)
def test_every_valid_code_has_an_order_and_a_category(code: str) -> None:
    assert icd9.order(code) >= 0
    assert icd9.parent(code) in set(icd9.categories())


@given(ICD9_CODES)
def test_a_code_and_its_category_are_in_the_same_chapter(code: str) -> None:
    assert icd9.chapter(icd9.order(code)) == icd9.chapter(icd9.order(icd9.parent(code)))


def test_chapters_have_no_gaps_or_overlaps() -> None:
    assert icd9.CHAPTERS[0][0] == 1
    for (_, end), (start, _) in zip(icd9.CHAPTERS, icd9.CHAPTERS[1:], strict=False):
        assert end == start


@pytest.mark.parametrize(
    ("codes", "chapter"),
    [
        (("1", "139.9"), (1, 140)),
        (("250", "250.93"), (250, 251)),
        (("249.9",), (240, 250)),
        (("390", "428", "459.9"), (390, 460)),
        (("800", "999.9"), (800, 1000)),
        (("V01", "V91.9"), (1000, 1200)),
        (("E000", "E999"), (1200, 2300)),
    ],
)
def test_chapter_of_a_position(codes: tuple[str, ...], chapter: tuple[float, float]) -> None:
    for code in codes:
        assert icd9.CHAPTERS[icd9.chapter(icd9.order(code))] == chapter, code


@pytest.mark.parametrize("place", [-1.0, 0.0, 0.99, 2300.0])
def test_a_position_outside_all_chapters(place: float) -> None:
    assert icd9.chapter(place) == -1


@pytest.mark.parametrize(
    ("code", "conditions"),
    [
        ("428", {"heart_failure"}),
        ("428.23", {"heart_failure"}),
        ("410.71", {"myocardial_infarction"}),
        ("414", {"coronary_disease"}),
        ("427.31", {"arrhythmia"}),
        ("785.4", {"gangrene"}),
        ("785.5", set()),
        ("785.59", set()),
        ("486", {"pneumonia"}),
        ("584.9", {"renal_failure"}),
        ("V45", {"dialysis"}),
        ("V56", {"dialysis"}),
        ("V42", {"transplant"}),
        ("V57", {"rehabilitation"}),
        ("V58.1", {"chemotherapy"}),
        ("174", {"cancer"}),
        ("197", {"metastasis"}),
        ("282.62", {"anaemia", "sickle_cell"}),
        ("038", {"sepsis"}),
        ("38", {"sepsis"}),
        ("995.92", {"sepsis"}),
        ("250", set()),
        ("250.02", set()),
        ("250.13", {"complicated_diabetes"}),
        ("250.83", {"complicated_diabetes"}),
        ("251", set()),
        ("401", set()),
        ("E909", set()),
    ],
)
def test_conditions_of_a_code(code: str, conditions: set[str]) -> None:
    assert named(code) == conditions


@pytest.mark.parametrize(
    ("code", "decimals"), [("250", 0), ("250.02", 2), ("250.1", 10), ("250.83", 83), ("250.99", 99)]
)
def test_decimals_of_diabetes(code: str, decimals: int) -> None:
    assert icd9.diabetes_decimals(icd9.order(code)) == decimals


@pytest.mark.parametrize("code", ["249.99", "251", "428.31", "V25.02", "E250"])
def test_other_codes_have_no_decimals_of_diabetes(code: str) -> None:
    assert icd9.diabetes_decimals(icd9.order(code)) == -1


def test_categories_are_listed_once() -> None:
    found = list(icd9.categories())

    assert len(found) == len(set(found))
    assert {"8", "428", "V27", "E909"} <= set(found)
    assert all(re.fullmatch(ICD9_PATTERN, code) and "." not in code for code in found)
