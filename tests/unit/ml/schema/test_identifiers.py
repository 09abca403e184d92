"""Identifiers: one canonical form for every way of writing one."""

import json
import re
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from ml.schema.identifiers import _MISSING, MAX_EXACT, MAX_LENGTH, MAX_NUMBER, TEXT_PATTERN, canonical_identifier


@given(st.integers(1, MAX_NUMBER))
def test_a_number_is_the_same_as_a_text_and_as_pandas_writes_it(number: int) -> None:
    spellings: list[Any] = [
        number,
        str(number),
        f" {number} ",
        f"{number}.0",
        f"{number}.00",
        f"{number},0",
        f"\xa0{number}",
    ]
    if number <= MAX_EXACT:
        spellings.append(float(number))

    assert {canonical_identifier(spelling) for spelling in spellings} == {number}


@pytest.mark.parametrize(
    "text",
    ["0082", "0", "-5", "1.5", "1e5", "12E4", "MRN 7", "3f0c9d0a-4a6e-4d0f-8d0d-4f6f2d3f7a11", "８２２", "Ä/7", r"\N",
     "9" * 19, "1" * 40, "x" * MAX_LENGTH],
)  # fmt: skip
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert canonical_identifier(text) == text


@pytest.mark.parametrize(
    "value",
    ["", "  ", "\xa0", "a\tb", "a\nb", "a\n", "\0", "a\x9f", "x" * (MAX_LENGTH + 1), "1.89503E+08", "1e+10", "82.000",
     "82,000", "None", "nan", "<NA>", "NULL", "?", "-", 0, -1, MAX_NUMBER + 1,
     1.5, float(MAX_EXACT * 2), float("nan"), float("inf"), True, None, [], {}],
)  # fmt: skip
def test_what_names_no_one_or_many_is_refused(value: Any) -> None:
    """A spreadsheet writes several numbers as 1.89503E+08; 82.000 is 82 or 82000; doubles above 2^53 are rounded."""
    with pytest.raises(ValueError, match="not a whole number from 1 to 9223372036854775807, or a text of 1 to 128"):
        canonical_identifier(value)


@given(st.text(max_size=MAX_LENGTH + 2))
def test_the_pattern_for_clients_accepts_what_the_service_accepts(text: str) -> None:
    assume(text.strip(" \xa0").lower() not in _MISSING)
    assume(not re.fullmatch(r"\s*[0-9.]+([eE]\+[0-9]+|[.,]000)\s*", text))
    try:
        canonical_identifier(text)
    except ValueError:
        is_valid = False
    else:
        is_valid = True

    matches = len(text) <= MAX_LENGTH and re.fullmatch(TEXT_PATTERN, text) is not None
    assert is_valid == matches


@given(st.text(min_size=1, max_size=MAX_LENGTH))
def test_the_canonical_form_is_its_own(text: str) -> None:
    try:
        once = canonical_identifier(text)
    except ValueError:
        return
    assert canonical_identifier(once) == once
    assert canonical_identifier(json.loads(json.dumps(once))) == once
