"""Every spelling of an ICD-9-CM code has one canonical spelling."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.schema import BY_NAME, ICD9_PATTERN, canonical_icd9, looks_like_icd10
from ml.schema.marginals import MARGINALS
from tests.support.codes import ICD9_SPELLINGS

DIAGNOSIS = BY_NAME["diag_1"]
EXTERNAL_CAUSES = (*range(31), *range(800, 1000))


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A code in canonical spelling, and all its spellings."""
    decimals = draw(st.sampled_from(["", *(f"{number:02d}" for number in range(100)), *map(str, range(10))]))
    shape = draw(st.sampled_from("NVE"))
    if shape == "N":
        category = f"{draw(st.integers(1, 999)):03d}"
        plain = str(int(category))
        categories = {category, plain, plain.zfill(2)}
    elif shape == "V":
        category = plain = f"V{draw(st.integers(0, 99)):02d}"
        categories = {category, category.lower()}
    else:
        category = plain = f"E{draw(st.sampled_from(EXTERNAL_CAUSES)):03d}"
        categories = {category, category.lower()}
        decimals = decimals[:1]
    short = decimals.rstrip("0")
    width = 1 if shape == "E" else 2
    written = {short.ljust(length, "0") for length in range(len(short), width + 1)}
    dotted = {f"{one}.{digits}" for one in categories for digits in written}
    if "" in written:
        dotted |= categories
    undotted = {f"{one}{digits}" for one in (category, category.lower()) for digits in written if digits}
    return f"{plain}.{short}" if short else plain, sorted(dotted | undotted)


@given(spellings())
def test_every_spelling_of_a_code_becomes_the_same_canonical_one(spelling: tuple[str, list[str]]) -> None:
    code, ways = spelling

    assert {canonical_icd9(way) for way in ways} == {code}
    assert {canonical_icd9(f" {way}\t") for way in ways} == {code}
    assert [way for way in ways if not re.fullmatch(ICD9_PATTERN, way)] == []


@given(ICD9_SPELLINGS)
def test_the_canonical_spelling_is_canonical(code: str) -> None:
    assert canonical_icd9(canonical_icd9(code)) == canonical_icd9(code)


@pytest.mark.parametrize(
    ("given_code", "code"),
    [
        ("038.9", "38.9"),
        ("0389", "38.9"),
        ("250.60", "250.6"),
        ("25060", "250.6"),
        ("250.00", "250"),
        ("250.", "250"),
        ("008.45", "8.45"),
        ("008", "8"),
        ("4280", "428"),
        ("V4511", "V45.11"),
        ("v45.10", "V45.1"),
        ("E8809", "E880.9"),
        ("389", "389"),  # hearing loss, also if a spreadsheet made it from 0389
    ],
)
def test_codes_of_other_systems_are_read(given_code: str, code: str) -> None:
    assert canonical_icd9(given_code) == code


@pytest.mark.parametrize("name", ["diag_1", "diag_2", "diag_3"])
def test_the_codes_of_the_data_set_are_canonical(name: str) -> None:
    codes = [code for code in MARGINALS[name] if code != "?"]

    assert [canonical_icd9(str(code)) for code in codes] == codes


@pytest.mark.parametrize("text", ["E119", "E785", "E11.9", "e119.9", "I10", "J44.1", "M1A.00X0", "Z79.4", "E031"])
def test_an_icd_10_code_is_refused_and_recognised(text: str) -> None:
    assert not DIAGNOSIS.accepts(text)
    assert looks_like_icd10(text)


@pytest.mark.parametrize("text", ["", "?", "0", "000", "0.5", "00012", "428.123", "428000", "1.2.3", "heart", "V2"])
def test_other_texts_are_neither(text: str) -> None:
    assert not DIAGNOSIS.accepts(text)
    assert not looks_like_icd10(text)
