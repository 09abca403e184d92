"""Tables and downloads of a scored file, and the template."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

import pandas as pd

from ml.schema import BY_NAME, ENCOUNTER_ID, EXAMPLE_RECORD, PATIENT_ID, TARGET, UNKNOWN
from ui.batch.csv_file import CsvFile
from ui.batch.scoring import LINE
from ui.clients.errors import FieldError
from ui.clients.file_scoring import ADDED, HISTORY, RISK
from ui.i18n.language import _
from ui.i18n.wording import value_label
from ui.predict.fields import FIRST

TOP_ROWS: Final = 1_000
"""Rows shown on the page; the downloads have all of them."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""Prefixes of texts that spreadsheets treat as formulas."""


def by_risk(table: pd.DataFrame) -> pd.DataFrame:
    """The rows by falling risk; equal risks keep the order of the file."""
    return table.sort_values(RISK, ascending=False, kind="stable", ignore_index=True)


def top(file: CsvFile, table: pd.DataFrame) -> pd.DataFrame:
    """The rows with the highest risks, by rank: the columns of the API, then those of the file with labels."""
    first = by_risk(table).head(TOP_ROWS)
    rows = pd.DataFrame([file.cells(int(number)) for number in first[LINE]], columns=file.names)
    for name in rows.columns:
        column = BY_NAME[name]
        labels = {str(value): value_label(column, value) for value in column.allowed}
        rows[name] = [labels.get(value, "" if value == UNKNOWN else value) for value in rows[name]]
    if HISTORY in first:
        labels = {
            "none": _("no patient number"),
            "used": _("taken into account"),
            "unknown": _("patient not known"),
            "unavailable": _("not looked up in time"),
        }
        # The column is categorical, which accepts no values other than its categories.
        first[HISTORY] = [labels.get(state, state) for state in first[HISTORY].astype(str)]
    added = [name for name in (RISK, LINE, *ADDED[1:]) if name in first]
    return pd.concat([first[added], rows], axis=1).rename_axis("rank").rename(lambda index: index + 1)


def results(file: CsvFile, table: pd.DataFrame) -> bytes:
    """The rows of a table as CSV, in its order: the columns of the file, then those of the API."""
    added = [name for name in ADDED if name in table]
    columns = [table[name].astype(str) for name in added]
    lines = [b",".join([file.header, *(name.encode() for name in added)])]
    for number, *values in zip(table[LINE], *columns, strict=True):
        lines.append(b",".join([file.line(int(number)), *(value.encode() for value in values)]))
    return b"\r\n".join([*lines, b""])


def errors(found: Iterable[FieldError]) -> bytes:
    """The errors of a file as CSV, without formulas: the values come from the user's file."""
    rows = [
        (error.line, error.field or "", _harmless(error.value), "; ".join(error.allowed or ()), error.message)
        for error in found
    ]
    return _csv([("line", "field", "value", "allowed", "message"), *rows])


def template() -> bytes:
    """A file with every column the API accepts, the example of the schema, and a row with few known fields."""
    names = [name for name in BY_NAME if name != TARGET]
    full = {**dict.fromkeys((ENCOUNTER_ID, PATIENT_ID), ""), **EXAMPLE_RECORD}
    sparse = {name: full[name] if name in FIRST else UNKNOWN for name in names}
    return _csv([names, [full[name] for name in names], [sparse[name] for name in names]])


def _harmless(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
