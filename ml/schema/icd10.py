"""ICD-10-CM diagnosis codes: accepted spellings, and their counterparts in ICD-9-CM, the codes of the data set.

Source: ``icd10.csv``, made by ``bench/icd10/table.py`` from the General Equivalence Mappings of 2018, the last edition
(Centers for Medicare & Medicaid Services and National Center for Health Statistics; public domain). A row holds an
ICD-10-CM category, the ICD-9-CM counterparts in order of preference, and the rest of each code that has them.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

ICD10_PATTERN: Final = r"^[A-Za-z][0-9][0-9ABab](\.?[0-9A-Za-z]{0,4})$"
"""Accepted spellings, for JSON Schema. :func:`canonical_icd10` also accepts surrounding spaces."""

_ACCEPTED: Final = re.compile(ICD10_PATTERN)
_CATEGORY: Final = 3  # characters
_DIABETES: Final = "250"
"""The only ICD-9-CM category whose decimals the data set has."""


class Conversion(NamedTuple):
    """The ICD-9-CM code that an ICD-10-CM code is scored as.

    ``used`` is None if there is none, ``choices`` are all counterparts. ``nearest`` is the code whose counterparts
    these are: ``given``, or the nearest one of the table if ``given`` is not in it.
    """

    given: str
    used: str | None
    choices: tuple[str, ...]
    nearest: str

    @property
    def warning(self) -> str | None:
        """What the conversion loses, if anything."""
        if self.used is None:
            return f"ICD-9-CM has no counterpart of {self.given}: the diagnosis counts as unknown"
        if self.nearest != self.given:
            return f"the table of 2018 does not have {self.given}: it was converted like {self.nearest}, to {self.used}"
        if len(self.choices) == 1 or _shared_category(self.choices) is not None:
            return None
        return f"ICD-9-CM has several counterparts of {self.given} ({', '.join(self.choices)}): {self.used} was used"


def canonical_icd10(code: str) -> str:
    """The canonical spelling of a code: upper case, with a dot after the category.

    Raises:
        ValueError: the text is not an ICD-10-CM code.
    """
    text = code.strip()
    if not _ACCEPTED.fullmatch(text):
        raise ValueError(f"{code!r} is not an ICD-10-CM code")
    return _dotted(text.upper().replace(".", ""))


@lru_cache(maxsize=32_768)
def to_icd9(code: str) -> Conversion:
    """Convert a code in any spelling.

    Raises:
        ValueError: the text is not an ICD-10-CM code.
    """
    given = canonical_icd10(code)
    category, suffix = given[:_CATEGORY], given[_CATEGORY + 1 :]
    counterparts = _counterparts(category)
    if not counterparts:
        return Conversion(given, None, (), given)
    nearest = _nearest(suffix, counterparts)
    choices = counterparts[nearest]
    return Conversion(given, _used(choices), choices, _dotted(category + nearest))


def _dotted(text: str) -> str:
    category, suffix = text[:_CATEGORY], text[_CATEGORY:]
    return f"{category}.{suffix}" if suffix else category


def _used(choices: tuple[str, ...]) -> str | None:
    """The preferred counterpart; the category that all share, since the data set has no decimals but of diabetes."""
    if len(choices) > 1 and (category := _shared_category(choices)):
        return category
    return choices[0] if choices else None


def _shared_category(choices: tuple[str, ...]) -> str | None:
    """The category of all choices, unless decimals matter."""
    first, *others = {choice.partition(".")[0] for choice in choices}
    return None if others or first == _DIABETES else first


def _nearest(suffix: str, counterparts: Mapping[str, tuple[str, ...]]) -> str:
    """The suffix itself or, if the category does not have it, the least specific one with the longest common start."""
    if suffix in counterparts:
        return suffix

    def distance(other: str) -> tuple[int, bool, list[int]]:
        common = next((end for end in range(len(suffix), 0, -1) if other.startswith(suffix[:end])), 0)
        # The last letter tells the initial encounter (A) from the sequela (S). 9 means unspecified, X is a placeholder.
        letters = [{"9": 0, "X": 1}.get(letter, ord(letter)) for letter in other[common:]]
        return -common, other[-1:] != suffix[-1:], letters

    return min(counterparts, key=distance)


@lru_cache(maxsize=256)
def _counterparts(category: str) -> dict[str, tuple[str, ...]]:
    """Choices by suffix."""
    return {
        suffix: tuple(choices.split())
        for choices, suffixes in _rows().get(category, ())
        for suffix in suffixes.split(" ")
    }


@cache
def _rows() -> Mapping[str, list[tuple[str, str]]]:
    """Rows of the table by category: choices and suffixes."""
    rows = defaultdict(list)
    for line in Path(__file__).with_suffix(".csv").read_text(encoding="ascii").splitlines()[1:]:
        category, choices, suffixes = line.split(",")
        rows[category].append((choices, suffixes))
    return dict(rows)
