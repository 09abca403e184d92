"""Texts that a spreadsheet would run as a formula, made harmless."""

import re
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?|[-–]{1,2}")
"""A number is no formula, and stays one; so does a dash that stands for an unknown value."""


def harmless(text: str) -> str:
    """The text, after an apostrophe if a spreadsheet would take it for a formula."""
    is_formula = text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA)
    return f"'{text}" if is_formula and not _NUMBER.fullmatch(text.strip(" ")) else text
