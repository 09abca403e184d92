"""Finds diagnoses by name, by everyday word in all languages, and by a part of a code.

``everyday_words.csv`` has the words that people use, most likely diagnosis first, with a code of either system.
"""

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from ml.schema import looks_like_icd10
from ml.schema.code_systems import CodeSystem
from ml.schema.icd10 import to_icd9
from ml.schema.translations import Language
from ui.predict.diagnosis.names import canonical, names, normalized

FILE: Final = Path(__file__).with_name("everyday_words.csv")
LIMIT: Final = 6
_MIN_WORD: Final = 3
"""Letters from which on a word is searched for."""


class Everyday(NamedTuple):
    """A diagnosis with the words that people use for it, in all languages."""

    codes: Mapping[CodeSystem, str]
    words: tuple[str, ...]


def code_of(entry: str, system: CodeSystem = CodeSystem.ICD9) -> str:
    """The code of an entry: a code in any spelling, or a name or word that only one diagnosis has.

    Any other text is returned unchanged.
    """
    if (code := canonical(entry, system)) is not None:
        return code
    text = normalized(entry)
    found = list(dict.fromkeys(_with_exactly(text, system))) or list(dict.fromkeys(_named(text, system)))
    return found[0] if len(found) == 1 else entry.strip()


def suggestions(entry: str, system: CodeSystem = CodeSystem.ICD9) -> tuple[str, ...]:
    """Codes that an entry might mean, the most likely first."""
    text = normalized(entry)
    found = (
        *_counterparts(text, system),
        *_with_exactly(text, system),
        *_beginning_with(text, system),
        *_named(text, system),
        *_near(text, system),
    )
    return tuple(dict.fromkeys(found))[:LIMIT]


def _counterparts(text: str, system: CodeSystem) -> Iterator[str]:
    """The counterparts of a code that is one of ICD-10-CM, where ICD-9-CM is asked for."""
    if system is CodeSystem.ICD9 and looks_like_icd10(text) and canonical(text) is None:
        try:
            yield from to_icd9(text).choices
        except ValueError:
            return


def _with_exactly(text: str, system: CodeSystem) -> Iterator[str]:
    yield from (one.codes[system] for one in everyday() if text in one.words)
    if system is CodeSystem.ICD9:
        yield from (code for code, known in _normalized_names().items() if text in known)


def _beginning_with(text: str, system: CodeSystem) -> Iterator[str]:
    """Diagnoses with an everyday word of which the text is the beginning of a part."""
    if len(text) >= _MIN_WORD:
        for one in everyday():
            if any(f" {text}" in f" {word}" for word in one.words):
                yield one.codes[system]


def _named(text: str, system: CodeSystem) -> Iterator[str]:
    """Codes of ICD-9-CM whose name has all parts of the text; the names of ICD-10-CM are not here."""
    if system is CodeSystem.ICD9 and len(text) >= _MIN_WORD:
        parts = text.split()
        for code, known in _normalized_names().items():
            if any(all(part in name for part in parts) for name in known):
                yield code


def _near(text: str, system: CodeSystem) -> Iterator[str]:
    """Codes that begin as the text does, or that the text begins with: E90 is E909, 4283.1 is 428.31."""
    bare = text.replace(".", "").upper()
    if not any(letter.isdigit() for letter in bare) or not bare.isalnum():
        return
    for end in range(len(bare), 1, -1):
        if (code := canonical(bare[:end], system)) is not None:
            yield code
            break
    if system is CodeSystem.ICD9:
        short = bare.lstrip("0")
        yield from (code for code in names() if code.replace(".", "").startswith(short))


@cache
def everyday() -> tuple[Everyday, ...]:
    """The rows of the file."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Everyday(
                {CodeSystem.ICD9: row["icd9"], CodeSystem.ICD10: row["icd10"]},
                tuple(normalized(word) for language in Language for word in row[language].split(";")),
            )
            for row in csv.DictReader(file)
        )


@cache
def _normalized_names() -> dict[str, tuple[str, ...]]:
    return {code: tuple(normalized(name) for name in known.values()) for code, known in names().items()}
