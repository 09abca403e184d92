"""The catalogue holds every text of the interface and of the schema, each translated, and nothing else."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from ml.schema import FEATURES, Column, Group
from ui.language import LOCALES, Language, catalogue

UI = Path(__file__).parents[3] / "ui"
KEYWORDS = {"_": None, "counted": (1, 2)}
RANGE = re.compile(r"^(\[\d+-\d+\)|[<>]\d+)$")
"""Values that are written as figures in every language."""


def of_the_source() -> set[str]:
    found = extract_from_dir(UI, method_map=[("**.py", "python")], keywords=KEYWORDS)
    return {text for _, _, message, _, _ in found for text in ([message] if isinstance(message, str) else message)}


def of_a_column(column: Column) -> Iterator[str]:
    yield column.label
    if column.unit:
        yield column.unit
    yield from (text for value in column.allowed if not RANGE.match(text := column.text_of(value)))


@cache
def expected() -> set[str]:
    of_the_schema = {text for column in FEATURES for text in of_a_column(column)}
    return of_the_source() | of_the_schema | {str(group) for group in Group if group is not Group.OUTCOME}


@cache
def spanish() -> dict[str, str]:
    return {str(one.id): str(one.string) for one in catalogue(Language.SPANISH) if one.id}


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_text_has_its_spanish() -> None:
    assert expected() - spanish().keys() == set()


def test_the_catalogue_holds_nothing_that_is_no_longer_said() -> None:
    assert spanish().keys() - expected() == set()


def test_no_translation_is_empty_or_marked_as_doubtful() -> None:
    found = [str(one.id) for one in catalogue(Language.SPANISH) if one.id and (not one.string or one.fuzzy)]
    assert found == []


def test_every_placeholder_is_kept() -> None:
    differing = [english for english, text in spanish().items() if names_in(english) != names_in(text)]
    assert differing == []


def test_punctuation_and_emphasis_are_kept() -> None:
    def shape(text: str) -> tuple[int, bool, int]:
        return text.count("**"), text.rstrip().endswith((".", "?", "!", ":")), text.count("](")

    assert [english for english, text in spanish().items() if shape(english) != shape(text)] == []


@pytest.mark.parametrize("language", [one for one in Language if one is not Language.ENGLISH])
def test_the_file_says_which_language_it_is_in(language: Language) -> None:
    with (LOCALES / f"{language}.po").open(encoding="utf-8") as file:
        assert str(read_po(file).locale) == language.value
