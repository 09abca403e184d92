"""Tables of a scored file: what is shown, and what is downloaded. Pure data, no drawing."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

import pandas as pd

from ml.schema import BY_NAME, EXAMPLE_RECORD, PATIENT_ID, TARGET, UNKNOWN
from ml.schema import ENCOUNTER_ID as ENCOUNTER
from ui.batch.csv_file import CsvFile
from ui.batch.scoring import LINE
from ui.clients.errors import FieldFault
from ui.clients.file_scoring import ADDED, HISTORY, RISK
from ui.i18n.language import _
from ui.i18n.wording import text_of
from ui.predict.fields import FIRST

TOP_ROWS: Final = 1_000
"""Rows that are shown; all of them are in the downloads."""

_END: Final = b"\r\n"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a text that spreadsheets take for a formula."""


def by_risk(table: pd.DataFrame) -> pd.DataFrame:
    """The highest risk first; equal ones in the order of the file."""
    return table.sort_values(RISK, ascending=False, kind="stable", ignore_index=True)


def top(file: CsvFile, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the highest risk as they are shown: by rank, the model's columns, then those of the file in words."""
    first = by_risk(table).head(TOP_ROWS)
    rows = pd.DataFrame([file.cells(int(number)) for number in first[LINE]], columns=list(file.names))
    for name in rows.columns:
        column = BY_NAME[name]
        texts = {str(value): text_of(column, value) for value in column.allowed}
        rows[name] = [texts.get(value, "" if value == UNKNOWN else value) for value in rows[name]]
    if HISTORY in first:
        texts = _of_earlier_stays()  # by astype: a category takes no values that are not among its categories
        first[HISTORY] = [texts.get(state, state) for state in first[HISTORY].astype(str)]
    added = [name for name in (RISK, LINE, *ADDED[1:]) if name in first]
    return pd.concat([first[added], rows], axis=1).rename_axis("rank").rename(lambda index: index + 1)


def _of_earlier_stays() -> dict[str, str]:
    """What became of the earlier stays of a patient, by the API's word for it."""
    return {
        "none": _("no patient number"),
        "used": _("taken into account"),
        "unknown": _("patient not known"),
        "unavailable": _("not looked up in time"),
    }


def results(file: CsvFile, table: pd.DataFrame) -> bytes:
    """The rows of a table as a file, in its order: the columns they came with, and the model's beside them."""
    added = [name for name in ADDED if name in table]
    columns = [table[name].astype(str) for name in added]
    lines = [b",".join([file.header, *(name.encode() for name in added)])]
    for number, *values in zip(table[LINE], *columns, strict=True):
        lines.append(b",".join([file.line(int(number)), *(value.encode() for value in values)]))
    return _END.join([*lines, b""])


def faults(found: Iterable[FieldFault]) -> bytes:
    """What is wrong with a file, as a file; values are refused ones, so none of them may act as a formula."""
    rows = [
        (fault.line, fault.field or "", _harmless(fault.value), "; ".join(fault.allowed or ()), fault.message)
        for fault in found
    ]
    return _csv([("line", "field", "value", "allowed", "message"), *rows])


def template() -> bytes:
    """A file to fill in: every column the API takes, the example of the schema, and a row that knows little."""
    names = [name for name in BY_NAME if name != TARGET]
    known = {**dict.fromkeys((ENCOUNTER, PATIENT_ID), ""), **EXAMPLE_RECORD}
    little = {name: known[name] if name in FIRST else UNKNOWN for name in names}
    return _csv([names, [known[name] for name in names], [little[name] for name in names]])


def _harmless(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
