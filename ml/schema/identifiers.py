"""Identifiers of patients and encounters: numbers as in the data set, or texts of other systems.

An identifier has one canonical form, so that a patient is the same in every format: ``8222157``, ``"8222157"`` and
``"8222157.0"`` (as pandas writes a column with gaps) are the number. A number with leading zeros is a text: systems
that write ``0082`` tell it apart from ``82``. Letter case counts.
"""

import re
from typing import Final

MAX_NUMBER: Final = 2**63 - 1
"""The largest integer of PostgreSQL."""
MAX_EXACT: Final = 2**53
"""Above, different whole numbers are the same double."""
MAX_LENGTH: Final = 128

TEXT_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$"
"""No control characters, and not only spaces."""

EXPECTATION: Final = f"a whole number from 1 to {MAX_NUMBER}, or a text of 1 to {MAX_LENGTH} characters"

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NUMBER: Final = re.compile(r"([1-9][0-9]{0,18})(?:[.,]0+)?")
_THOUSANDS: Final = re.compile(r"[1-9][0-9]*[.,]000")
"""Either the number before the point or comma, or a thousand times as much."""
_ROUNDED: Final = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+[0-9]+")
"""A number as spreadsheets shorten it: ``1.89503E+08`` may be any of many patients."""

_MISSING: Final = frozenset("none null nan nat na n/a <na> undefined unknown ? - .".split())
"""What programs write for a missing value: it would make all such patients one."""


def canonical_identifier(value: object) -> int | str:
    """The canonical form of an identifier.

    Raises:
        ValueError: the value is not an identifier.
    """
    identifier: object = value
    if isinstance(value, str):
        identifier = _canonical_text(value)
    elif isinstance(value, float) and value.is_integer() and abs(value) <= MAX_EXACT:
        identifier = int(value)
    if isinstance(identifier, str) or (type(identifier) is int and 1 <= identifier <= MAX_NUMBER):
        return identifier
    raise ValueError(f"not {EXPECTATION}")


def _canonical_text(text: str) -> int | str | None:
    if len(text) > MAX_LENGTH or _CONTROL.search(text):
        return None
    text = text.strip(" \xa0")
    if not text or text.lower() in _MISSING or _ROUNDED.fullmatch(text) or _THOUSANDS.fullmatch(text):
        return None
    number = _NUMBER.fullmatch(text)
    return int(number[1]) if number and int(number[1]) <= MAX_NUMBER else text
