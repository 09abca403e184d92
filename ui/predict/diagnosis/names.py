"""Names of diagnosis codes in all languages, and parsing of typed diagnoses.

``diagnoses.csv`` has the categories of ICD-9-CM that are frequent in the data, the types of diabetes, and the chapters,
which name all other codes. The titles are from the public-domain tabular list, shortened where they are long.
A code of ICD-10-CM has the name of the code that it is converted to.
"""

import csv
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from ml.schema import ICD9_PATTERN, canonical_icd9
from ml.schema.code_systems import CodeSystem
from ml.schema.icd10 import canonical_icd10, to_icd9
from ml.schema.translations import Language
from ui.i18n.language import _, current_language

FILE: Final = Path(__file__).with_name("diagnoses.csv")

Names = Mapping[str, str]
"""Name by language."""


def canonical(entry: str, system: CodeSystem = CodeSystem.ICD9) -> str | None:
    """The code that an entry begins with, in the spelling of the data set: 038 is 38, v27 is V27; None without one."""
    first = entry.strip().partition(" ")[0]
    try:
        return canonical_icd10(first) if system is CodeSystem.ICD10 else canonical_icd9(first)
    except ValueError:
        return None


def label(code: str, system: CodeSystem = CodeSystem.ICD9) -> str:
    """A code with its name, else the name of its chapter: 428.31 Heart failure, 343 (Diseases of …)."""
    if system is CodeSystem.ICD10:
        return _label_of_icd10(code)
    if not re.fullmatch(ICD9_PATTERN, code):
        return code
    padded = _padded(code)
    if names := _nearest_names(code):
        return f"{padded} {names[current_language()]}"
    category = padded.partition(".")[0]
    # Categories of one letter have the same length, so their order as text is that of the list.
    chapters = (names for (low, high), names in _chapters().items() if low <= category <= high)
    return f"{padded} ({names[current_language()]})" if (names := next(chapters, None)) else padded


def _label_of_icd10(code: str) -> str:
    try:
        conversion = to_icd9(code)
    except ValueError:
        return code
    if conversion.used is None:
        return _("{code} (no counterpart in ICD-9-CM: counts as unknown)").format(code=conversion.given)
    return f"{conversion.given} → {label(conversion.used)}"


def _nearest_names(code: str) -> Names | None:
    """The names of a code, else of the nearest code above it: 250.83, then 250.8, then 250."""
    category, _point, decimals = code.partition(".")
    above = (f"{category}.{decimals[:length]}" for length in range(len(decimals), 0, -1))
    return next((found for one in (*above, category) if (found := names().get(_short(one)))), None)


def _short(code: str) -> str:
    return re.sub(r"^0+(?=\d)", "", code)


def _padded(code: str) -> str:
    category, point, decimals = code.partition(".")
    return f"{category.zfill(3)}{point}{decimals}"


def normalized(text: str) -> str:
    """Lower case without accents."""
    parts = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


@cache
def _rows() -> tuple[tuple[str, Names], ...]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple((row["code"], {one.value: row[one.value] for one in Language}) for row in csv.DictReader(file))


@cache
def names() -> dict[str, Names]:
    """The names of the listed codes of ICD-9-CM."""
    return {_short(code): found for code, found in _rows() if "-" not in code}


@cache
def _chapters() -> dict[tuple[str, str], Names]:
    split = ((code.partition("-"), found) for code, found in _rows() if "-" in code)
    return {(low, high): found for (low, _dash, high), found in split}
