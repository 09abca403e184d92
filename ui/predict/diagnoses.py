"""Names of ICD-9-CM codes, in both languages, and what a person may type in place of a code.

``diagnoses.csv`` names the categories that are common in the data, the kinds of diabetes, and the chapters, from which
every other code has its name. The titles are those of the public-domain tabular list, shortened where it is long.
"""

import csv
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from ml.schema import ICD9_PATTERN
from ui.i18n.language import Language, current

FILE: Final = Path(__file__).with_name("diagnoses.csv")

Names = Mapping[str, str]
"""Language to name."""


def code_of(entry: str) -> str:
    """The code in what was chosen or typed, written as the data set writes it: 038 is 38, v27 is V27.

    A name serves as well, in either language, if only one diagnosis has it; any other text comes back as it is.
    """
    text = entry.strip()
    first = text.partition(" ")[0].upper()
    if re.fullmatch(ICD9_PATTERN, first):
        return _short(first)
    return _by_name(_plain(text)) or text


def choices(given: str | None = None) -> tuple[str, ...]:
    """The codes to choose from, and the given one if it is none of them."""
    codes = tuple(_named())
    return codes if given is None or given in codes else (*codes, given)


def label(code: str) -> str:
    """A code with its name, or with that of its chapter: 428.31 Heart failure, 343 (Diseases of …)."""
    if not re.fullmatch(ICD9_PATTERN, code):
        return code
    shown = _long(code)
    if names := _nearest(code):
        return f"{shown} {names[current()]}"
    chapter = _chapter(shown)
    return f"{shown} ({chapter[current()]})" if chapter else shown


def _nearest(code: str) -> Names | None:
    """The names of a code, else of the nearest one above it: 250.83, then 250.8, then 250."""
    category, _point, decimals = code.partition(".")
    above = (f"{category}.{decimals[:length]}" for length in range(len(decimals), 0, -1))
    return next((found for one in (*above, category) if (found := _named().get(_short(one)))), None)


def _chapter(code: str) -> Names | None:
    category = code.partition(".")[0]
    # Within one letter the categories are of the same length, so the order of their texts is that of the book.
    return next((names for (low, high), names in _chapters().items() if low <= category <= high), None)


def _by_name(wanted: str) -> str | None:
    """The only diagnosis with a name that is, or else holds, the wanted text."""
    if not wanted:
        return None
    plain = {code: [_plain(name) for name in names.values()] for code, names in _named().items()}
    same = [code for code, names in plain.items() if wanted in names]
    found = same or [code for code, names in plain.items() if any(wanted in name for name in names)]
    return found[0] if len(found) == 1 else None


def _short(code: str) -> str:
    return re.sub(r"^0+(?=\d)", "", code)


def _long(code: str) -> str:
    category, point, decimals = code.partition(".")
    return f"{category.zfill(3)}{point}{decimals}"


def _plain(text: str) -> str:
    """Without case and accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


@cache
def _rows() -> tuple[tuple[str, Names], ...]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple((row["code"], {one.value: row[one.value] for one in Language}) for row in csv.DictReader(file))


@cache
def _named() -> dict[str, Names]:
    return {_short(code): names for code, names in _rows() if "-" not in code}


@cache
def _chapters() -> dict[tuple[str, str], Names]:
    found = {}
    for code, names in _rows():
        low, is_range, high = code.partition("-")
        if is_range:
            found[low, high] = names
    return found
