"""Names of ICD-9-CM codes in all languages, and parsing of typed diagnoses.

``diagnoses.csv`` has the categories that are frequent in the data, the types of diabetes, and the chapters, which name
all other codes. The titles are from the public-domain tabular list, shortened where they are long.
"""

import csv
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from ml.schema import ICD9_PATTERN, canonical_icd9, looks_like_icd10
from ml.schema.icd10 import to_icd9
from ui.i18n.language import Language, current_language

FILE: Final = Path(__file__).with_name("diagnoses.csv")

Names = Mapping[str, str]
"""Name by language."""


def code_of(entry: str) -> str:
    """The code of an entry, in the spelling of the data set: 038 is 38, v27 is V27.

    An entry is a code, optionally followed by a name, or a name in any language that only one diagnosis has. A code of
    ICD-10-CM that is not one of ICD-9-CM becomes its counterpart. Any other text is returned unchanged.
    """
    text = entry.strip()
    first = text.partition(" ")[0].upper()
    if re.fullmatch(ICD9_PATTERN, first):
        return canonical_icd9(first)
    if looks_like_icd10(first) and (converted := _in_icd9(first)):
        return converted
    return _code_by_name(_normalised(text)) or text


def _in_icd9(code: str) -> str | None:
    try:
        return to_icd9(code).used
    except ValueError:
        return None


def choices(code: str | None = None) -> tuple[str, ...]:
    """The codes to choose from, including ``code``."""
    codes = tuple(_names())
    return codes if code is None or code in codes else (*codes, code)


def label(code: str) -> str:
    """A code with its name, else the name of its chapter: 428.31 Heart failure, 343 (Diseases of …)."""
    if not re.fullmatch(ICD9_PATTERN, code):
        return code
    padded = _padded(code)
    if names := _nearest_names(code):
        return f"{padded} {names[current_language()]}"
    category = padded.partition(".")[0]
    # Categories of one letter have the same length, so their order as text is that of the list.
    chapters = (names for (low, high), names in _chapters().items() if low <= category <= high)
    return f"{padded} ({names[current_language()]})" if (names := next(chapters, None)) else padded


def _nearest_names(code: str) -> Names | None:
    """The names of a code, else of the nearest code above it: 250.83, then 250.8, then 250."""
    category, _point, decimals = code.partition(".")
    above = (f"{category}.{decimals[:length]}" for length in range(len(decimals), 0, -1))
    return next((names for one in (*above, category) if (names := _names().get(_short(one)))), None)


def _code_by_name(text: str) -> str | None:
    """The only diagnosis whose name equals the text, or else contains it."""
    if not text:
        return None
    names = {code: [_normalised(name) for name in names.values()] for code, names in _names().items()}
    equal = [code for code, known in names.items() if text in known]
    codes = equal or [code for code, known in names.items() if any(text in name for name in known)]
    return codes[0] if len(codes) == 1 else None


def _short(code: str) -> str:
    return re.sub(r"^0+(?=\d)", "", code)


def _padded(code: str) -> str:
    category, point, decimals = code.partition(".")
    return f"{category.zfill(3)}{point}{decimals}"


def _normalised(text: str) -> str:
    """Lower case without accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


@cache
def _rows() -> tuple[tuple[str, Names], ...]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple((row["code"], {one.value: row[one.value] for one in Language}) for row in csv.DictReader(file))


@cache
def _names() -> dict[str, Names]:
    return {_short(code): names for code, names in _rows() if "-" not in code}


@cache
def _chapters() -> dict[tuple[str, str], Names]:
    split = ((code.partition("-"), names) for code, names in _rows() if "-" in code)
    return {(low, high): names for (low, _dash, high), names in split}
