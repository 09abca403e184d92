"""ICD-9-CM diagnosis codes: accepted spellings, and the canonical one.

The canonical spelling is that of the data set: a dot after the category, no leading and no trailing zeros (``38.9``,
``250.6``, ``V45.11``). Other systems write ``038.9``, ``250.60``, or without the dot ``0389``, ``25060``, ``V4511``.
A number of at most three digits is a category: ``389`` is hearing loss, also where a spreadsheet made it from ``0389``.
"""

import re
from functools import lru_cache
from typing import Final

ICD9_PATTERN: Final = (
    r"^(([1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9])(\.[0-9]{0,2})?|([1-9][0-9]{2}|0[1-9][0-9]|00[1-9])[0-9]{1,2}"
    r"|[Vv][0-9]{2}\.?[0-9]{0,2}|[Ee](0[0-2][0-9]|030|[89][0-9]{2})\.?[0-9]?)$"
)
"""Accepted spellings, for JSON Schema; :func:`canonical_icd9` also accepts spaces around."""

_NUMBER: Final = re.compile(r"([0-9]{1,3})(?:\.([0-9]{0,2}))?|([0-9]{3})([0-9]{1,2})")
_ACCEPTED: Final = re.compile(ICD9_PATTERN)
_ICD10: Final = re.compile(r"[A-Z][0-9][0-9A-Z]{1,3}\.?[0-9A-Z]{0,4}", re.ASCII | re.IGNORECASE)


@lru_cache(maxsize=32_768)
def canonical_icd9(code: str) -> str:
    """The canonical spelling of a code.

    Raises:
        ValueError: the text is not an ICD-9-CM code.
    """
    text = code.strip().upper()
    if not _ACCEPTED.fullmatch(text):
        raise ValueError(f"{code!r} is not an ICD-9-CM code")
    if found := _NUMBER.fullmatch(text):
        category, decimals = (found[1] or found[3]).lstrip("0"), found[2] or found[4] or ""
    else:
        length = 3 if text[0] == "V" else 4
        category, decimals = text[:length], text[length:].removeprefix(".")
    decimals = decimals.rstrip("0")
    return f"{category}.{decimals}" if decimals else category


def looks_like_icd10(text: str) -> bool:
    """Whether a text that is not an ICD-9-CM code has the form of an ICD-10-CM code."""
    return _ICD10.fullmatch(text.strip()) is not None
