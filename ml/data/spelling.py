"""Brings delivered texts into the spelling of the data set, value by value and not cell by cell."""

import pandas as pd

from ml.schema import COLUMNS, Column, Kind
from ml.schema.files.rows import describe_mapped
from ml.schema.files.values import ValueReader


class Spelling:
    """Reads the texts of a delivery, and remembers what stood for another value."""

    def __init__(self) -> None:
        self._readers = [ValueReader(column) for column in COLUMNS]

    def canonical(self, chunk: pd.DataFrame) -> pd.DataFrame:
        """The chunk in the spelling of the data set; a text that the schema does not allow stays as it is."""
        return chunk.assign(**{r.column.name: _canonical(r, chunk[r.column.name]) for r in self._readers})

    @property
    def mapped(self) -> str:
        """One line that says what was read as what."""
        return describe_mapped({reader.column.name: reader.mapped for reader in self._readers if reader.mapped})


def _canonical(reader: ValueReader, texts: "pd.Series[str]") -> "pd.Series[str]":
    if _are_plain_numbers(reader.column, texts):
        return texts
    spellings = {text: _spelling(reader, text) for text in texts.unique() if isinstance(text, str)}
    if all(text == spelling for text, spelling in spellings.items()):
        return texts
    return pd.Series(texts.map(spellings), dtype="str")


def _are_plain_numbers(column: Column, texts: "pd.Series[str]") -> bool:
    """Whether identifiers, nearly all of which differ, need no reading."""
    return column.kind is Kind.IDENTIFIER and bool(texts.str.fullmatch("[1-9][0-9]{0,17}").all())


def _spelling(reader: ValueReader, text: str) -> str | None:
    try:
        value = reader.read(text)
    except ValueError:
        return text
    return None if value is None else str(value)
