"""The catalogue holds every text of the interface and of the schema, each translated, and nothing else."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from ml.schema import COLUMNS, HISTORY, Column, Group
from ml.schema.translations import Language
from ui.i18n.language import _PERCENT, LOCALES, NAMES, catalogue

UI = Path(__file__).parents[4] / "ui"
TEXTS_OF = {"_": 1, "counted": 2, "template": 1}
"""Functions that say a text, and how many of their arguments are texts."""
RANGE = re.compile(r"^(\[\d+-\d+\)|[<>]\d+)$")
"""Values that are written as figures in every language."""


def of_the_source() -> set[str]:
    """By the syntax tree: Babel's own extraction passes over what stands inside an f-string."""
    calls = (node for path in UI.rglob("*.py") for node in ast.walk(ast.parse(path.read_text())))
    return {
        argument.value
        for call in calls
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in TEXTS_OF
        for argument in call.args[: TEXTS_OF[call.func.id]]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def of_a_column(column: Column) -> Iterator[str]:
    yield column.label
    if column.unit:
        yield column.unit
    yield from (text for value in column.allowed if not RANGE.match(text := column.text_of(value)))


@cache
def expected() -> set[str]:
    of_the_schema = {text for column in (*COLUMNS, *HISTORY) for text in of_a_column(column)}
    return of_the_source() | of_the_schema | {str(group) for group in Group if group is not Group.OUTCOME}


TRANSLATED = [one for one in Language if one is not Language.ENGLISH]
pytestmark = pytest.mark.parametrize("language", TRANSLATED)


@cache
def translations(language: Language) -> dict[str, str]:
    return {str(one.id): str(one.string) for one in catalogue(language) if one.id}


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_text_has_a_translation(language: Language) -> None:
    assert expected() - translations(language).keys() == set()


def test_the_catalogue_has_no_unused_text(language: Language) -> None:
    assert translations(language).keys() - expected() == set()


def test_no_translation_is_empty_or_fuzzy(language: Language) -> None:
    assert [str(one.id) for one in catalogue(language) if one.id and (not one.string or one.fuzzy)] == []


def test_every_placeholder_is_kept(language: Language) -> None:
    assert [english for english, text in translations(language).items() if names_in(english) != names_in(text)] == []


def test_punctuation_and_emphasis_are_kept(language: Language) -> None:
    def shape(text: str) -> tuple[int, bool, int]:
        return text.count("**"), text.rstrip().endswith((".", "?", "!", ":")), text.count("](")

    assert [english for english, text in translations(language).items() if shape(english) != shape(text)] == []


def test_the_file_names_its_language(language: Language) -> None:
    with (LOCALES / f"{language}.po").open(encoding="utf-8") as file:
        assert str(read_po(file).locale) == language.value


def test_the_language_has_a_name_and_a_percent_sign(language: Language) -> None:
    assert language in NAMES
    assert language in _PERCENT
