"""Tables and downloads of a scored file, and the template."""

from collections.abc import Iterable
from typing import Final

import pandas as pd

from ml.schema import BY_NAME, ENCOUNTER_ID, EXAMPLE_RECORD, PATIENT_ID, TARGET, UNKNOWN
from ml.schema.files.errors import ErrorGroup
from ml.schema.files.formulas import harmless
from ui.batch.delivered_file import DeliveredFile, csv_of
from ui.batch.scoring import LINE
from ui.clients.file_scoring import ADDED, FLAGGED, HIGH, HISTORY, LOW, OUTSIDE, RISK, WARNINGS
from ui.i18n.language import _
from ui.i18n.wording import value_label
from ui.predict.fields import FIRST

TOP_ROWS: Final = 1_000
"""Rows shown on the page; the downloads have all of them."""


BAND: Final = "band"
COUNTS_MOST: Final = "counts_most"
"""Columns that the page adds."""


def ranked(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the population."""
    return table[table[OUTSIDE] == ""]


def lines_by_risk(table: pd.DataFrame) -> list[int]:
    """Line numbers of the rows of the population, the highest risk first."""
    return [int(line) for line in by_risk(ranked(table))[LINE]]


def by_risk(table: pd.DataFrame) -> pd.DataFrame:
    """The rows by falling risk; equal risks keep the order of the file. Rows outside the population come last."""
    order = pd.DataFrame({"outside": table[OUTSIDE] != "", "risk": -table[RISK]})
    return table.loc[order.sort_values(["outside", "risk"], kind="stable").index].reset_index(drop=True)


def top(file: DeliveredFile, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the population with the highest risks, by rank: columns of the API, then of the file with labels."""
    first = by_risk(ranked(table)).head(TOP_ROWS)
    if FLAGGED in first:
        first[FLAGGED] = first[FLAGGED].map({"true": True, "false": False})
    records = [file.record(int(number)) for number in first[LINE]]
    rows = pd.DataFrame(index=range(len(records)))
    for name in file.reader.header.known:
        values = [record.get(name) for record in records]
        rows[name] = ["" if value is None else value_label(BY_NAME[name], value) for value in values]
    cells = [file.cells(int(number)) for number in first[LINE]]
    for place, title in foreign_titles(file).items():
        rows[title] = [row[place] for row in cells]
    if HISTORY in first:
        labels = {
            "none": _("no patient number"),
            "used": _("taken into account"),
            "unknown": _("patient not known"),
            "unavailable": _("not looked up in time"),
        }
        # The column is categorical, which accepts no values other than its categories.
        first[HISTORY] = [labels.get(state, state) for state in first[HISTORY].astype(str)]
    added = [name for name in (RISK, LINE, FLAGGED, LOW, HIGH, *ADDED[1:]) if name in first and name != OUTSIDE]
    return (
        pd.concat([first[list(dict.fromkeys(added))], rows], axis=1).rename_axis("rank").rename(lambda index: index + 1)
    )


def foreign_titles(file: DeliveredFile) -> dict[int, str]:
    """Titles of the foreign columns by place, each unlike every other column."""
    header = file.reader.header
    places = [place for place, column in enumerate(header.columns) if column is None]
    return {place: f"{place + 1} · {title}" for place, title in zip(places, header.foreign, strict=True)}


def results(file: DeliveredFile, table: pd.DataFrame) -> bytes:
    """The rows of a table as CSV, in its order and the dialect of the file: its columns, then those of the API."""
    added = [name for name in ADDED if name in table]
    columns = [_quoted(table[name]) if name in (OUTSIDE, WARNINGS) else table[name].astype(str) for name in added]
    reader = file.reader
    lines = [file.prefix + reader.line_of([*map(harmless, reader.header.names), *added])]
    for number, *values in zip(table[LINE], *columns, strict=True):
        lines.append(reader.header.delimiter.join([file.returned(int(number)), *values]))
    return "\r\n".join([*lines, ""]).encode()


def _quoted(texts: "pd.Series[str]") -> list[str]:
    """Sentences as cells, as the API writes them."""
    return [f'"{text}"' if text else "" for text in texts]


def errors(found: Iterable[ErrorGroup]) -> bytes:
    """The errors of a file as CSV, without formulas: the values come from the user's file."""
    rows = [
        (
            group.column.name if group.column else "",
            harmless(group.text),
            group.count,
            lines_of(group),
            group.suggestion or "",
            group.column.expectation if group.column else "",
        )
        for group in found
    ]
    return csv_of([("field", "value", "count", "lines", "suggestion", "expected"), *rows])


def lines_of(group: ErrorGroup) -> str:
    """The first lines of a group."""
    return ", ".join(map(str, group.lines)) + (" …" if group.count > len(group.lines) else "")


def template() -> bytes:
    """A file with every column the API accepts, the example of the schema, and a row with few known fields."""
    names = [name for name in BY_NAME if name != TARGET]
    full = {**dict.fromkeys((ENCOUNTER_ID, PATIENT_ID), ""), **EXAMPLE_RECORD}
    sparse = {name: full[name] if name in FIRST else UNKNOWN for name in names}
    return csv_of([names, [full[name] for name in names], [sparse[name] for name in names]])
