"""The value of a cell, as it may be spelt by spreadsheets, databases and people.

Two kinds of differences are told apart. Spaces, letter case, spellings of "unknown", decimal commas and decimal zeros
are read without a word. Words and numbers that stand for a value of the data set (``F``, an age) are reported.
"""

import re
from typing import Final

from ml.schema.columns import Column, Kind

Value = str | int | None
"""A value of the schema; None is unknown."""

UNKNOWN_WORDS: Final = frozenset(
    ["", "?", "na", "n/a", "n.a.", "#n/a", "#nv", "#n/d", "null", "nan", "<na>", "-", "--", "–", "—", ".", "\\n"]
)
"""Spellings of an unknown value, in lower case: R, pandas, SQL, SAS, and Excel in English, German and Spanish.

``None`` is not one of them: in the laboratory columns it means *not measured*.
"""

_REMEMBERED: Final = 10_000
_PLAIN_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}")
"""Nearly every identifier; read at a third of the cost of the others."""
_WHOLE: Final = re.compile(r"([0-9]{1,19})(?:[.,]0+)?")
_NUMBER: Final = r"([0-9]{1,4}(?:[.,][0-9]{1,6})?)"
_RANGE: Final = re.compile(r"[\[(]?\s*([0-9]{1,3})\s*(?:-|–|—|to)\s*([0-9]{1,3})\s*[\])]?")
_AGE: Final = re.compile(_NUMBER)
_OCTOBER_20: Final = re.compile(
    r"(oct|okt|ott|out)\.?[- ]?(20)?20|(10|20)[-. ]*(oct|okt|ott|out)\.?|2020-10-01([ t].*)?|[0-9]{4}-10-20([ t].*)?"
)
"""Excel takes the band 10-20 for the 20th of October, or for October 2020."""
_WEIGHT: Final = re.compile(rf"{_NUMBER}\s*(lbs?|pounds?|kgs?)?\.?")
_POUNDS_PER_KILOGRAM: Final = 2.204_62
_ICD9_COMMA: Final = re.compile(r"[EeVv]?[0-9]{1,3},[0-9]{1,2}")
_PUNCTUATION: Final = re.compile(r"[\s_/&.\-]+")
_SYNONYMS: Final = {
    "gender": {"m": "Male", "f": "Female"},
    "diabetesMed": {"y": "Yes", "n": "No", "true": "Yes", "false": "No"},
}


class ValueReader:
    """Reads the cells of one column and remembers what each text means.

    Attributes:
        values: values by text, for texts of columns with few of them.
        mapped: texts that stand for another value, to be reported.
    """

    def __init__(self, column: Column) -> None:
        self.column = column
        self.values: dict[str, Value] = {}
        self.mapped: dict[str, Value] = {}

    def read(self, text: str) -> Value:
        """The value of a text.

        Raises:
            ValueError: the column does not allow it.
        """
        if self.column.kind is Kind.IDENTIFIER:
            return int(text) if _PLAIN_NUMBER.fullmatch(text) else read_value(self.column, text)[0]
        try:
            return self.values[text]
        except KeyError:
            value, is_mapped = read_value(self.column, text)
            if len(self.values) < _REMEMBERED:
                self.values[text] = value
                if is_mapped:
                    self.mapped[text.strip()] = value
            return value


def stripped(text: str) -> str:
    """The text without surrounding spaces, those of other programs included."""
    return text.strip(" \t\r\n\xa0\u200b\ufeff")


def read_value(column: Column, text: str) -> tuple[Value, bool]:
    """The value of a text, and whether the text is another word for it.

    Raises:
        ValueError: the column does not allow it.
    """
    text = stripped(text)
    if text.casefold() in UNKNOWN_WORDS:
        return None, False
    if column.is_number:
        return _number(column, text), False
    if column.kind is Kind.ICD9:
        return column.canonical(text.replace(",", ".") if _ICD9_COMMA.fullmatch(text) else text), False
    if column.kind is Kind.ICD10:
        return column.canonical(text), False
    if text in column.allowed:
        return text, False
    for word in column.allowed:
        if str(word).casefold() == text.casefold():
            return word, False
    return _another_word(column, text.casefold()), True


def _number(column: Column, text: str) -> str | int:
    whole = _WHOLE.fullmatch(text) if column.kind is not Kind.IDENTIFIER else None
    return column.canonical(int(whole[1]) if whole else text)


def _another_word(column: Column, word: str) -> str | int:
    if column.name == "age":
        return _age(column, word)
    if column.name == "weight":
        return _weight(column, word)
    if value := _SYNONYMS.get(column.name, {}).get(word):
        return value
    plain = _PUNCTUATION.sub("", word)
    for allowed in column.allowed if word[0].isalnum() or word[0] in "<>" else ():
        if _PUNCTUATION.sub("", str(allowed).casefold()) == plain:
            return allowed
    raise ValueError


def _age(column: Column, word: str) -> str | int:
    if found := _RANGE.fullmatch(word):
        return _band(column, int(found[1]), int(found[2]))
    if found := _AGE.fullmatch(word):
        low = int(_decimal(found[1])) // 10 * 10
        return _band(column, low, low + 10)
    if _OCTOBER_20.fullmatch(word):
        return _band(column, 10, 20)
    raise ValueError


def _weight(column: Column, word: str) -> str | int:
    if found := _RANGE.fullmatch(word):
        return _band(column, int(found[1]), int(found[2]))
    if not (found := _WEIGHT.fullmatch(word)):
        return column.canonical(word.replace(" ", ""))
    pounds = _decimal(found[1]) * (_POUNDS_PER_KILOGRAM if (found[2] or "").startswith("kg") else 1)
    if not 0 < pounds < 1_500:
        raise ValueError
    low = int(pounds) // 25 * 25
    return column.canonical(">200") if low >= 200 else _band(column, low, low + 25)


def _band(column: Column, low: int, high: int) -> str | int:
    """The band of a column from low up to high, or to the number before it, as in 60-69."""
    for band in (f"[{low}-{high})", f"[{low}-{high + 1})"):
        if band in column.allowed:
            return band
    raise ValueError


def _decimal(text: str) -> float:
    return float(text.replace(",", "."))
