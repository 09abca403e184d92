"""The same encounters as a file of many kinds, written by the programs that write such files."""

import csv
import io
from collections.abc import Callable
from typing import Final

import pandas as pd

from tests.support.workbook import workbook

Write = Callable[[pd.DataFrame], bytes]


def _pandas(**how: object) -> Write:
    return lambda table: table.to_csv(index=False, **how).encode()  # type: ignore[call-overload,no-any-return]


def _text(change: Callable[[str], str], encoding: str = "utf-8") -> Write:
    return lambda table: change(str(table.to_csv(index=False))).encode(encoding)


def _changed(**changes: Callable[[str], object]) -> Write:
    def write(table: pd.DataFrame) -> bytes:
        return _pandas()(table.assign(**{name: table[name].map(change) for name, change in changes.items()}))

    return write


def _unknown(word: str) -> Write:
    return lambda table: _pandas()(table.replace("?", word))


def _quoted(table: pd.DataFrame) -> bytes:
    sink = io.StringIO()
    csv.writer(sink, quoting=csv.QUOTE_ALL).writerows([table.columns, *table.to_numpy().tolist()])
    return sink.getvalue().encode()


def _floats(table: pd.DataFrame, **how: object) -> bytes:
    stays = table["number_inpatient"].astype(float)
    return _pandas(**how)(table.assign(number_inpatient=stays, encounter_id=table["encounter_id"].astype(float)))


def _foreign(table: pd.DataFrame) -> bytes:
    name = ["Müller", "=1+1", "-3", "a;\nb"] * len(table)
    return str(table.assign(mrn="0815", ward=name[: len(table)]).to_csv(index=False)).encode("cp1252")


def _middle(band: str) -> int:
    low, high = band.strip("[)").split("-")
    return (int(low) + int(high)) // 2


def _excel_date(band: str) -> str:
    return {"[10-20)": "Oct-20"}.get(band, band.strip("[)"))


VARIANTS: Final[dict[str, Write]] = {
    "as delivered by UCI": _pandas(lineterminator="\r\n"),
    "semicolons": _pandas(sep=";"),
    "tabs": _pandas(sep="\t"),
    "a line `sep=;` (Excel)": lambda table: b"sep=;\r\n" + _pandas(sep=";")(table),
    "UTF-8 with byte order mark": _text(str, "utf-8-sig"),
    "UTF-16 with tabs (Excel, Unicode text)": _text(lambda text: text.replace(",", "\t"), "utf-16"),
    "line ends of CR (Excel for Mac)": _text(lambda text: text.replace("\n", "\r")),
    "every value quoted": _quoted,
    "spaces around values": _text(lambda text: text.replace(",", " , ")),
    "header in capitals": _text(lambda text: text.replace(text.split("\n")[0], text.split("\n")[0].upper())),
    "header with spaces": _text(lambda text: text.replace("time_in_hospital", "Time in hospital")),
    "categories in other letter case": _changed(race=str.upper, gender=str.lower, insulin=str.upper),
    "unknown as `NA` (R)": _unknown("NA"),
    "unknown as `N/A`": _unknown("N/A"),
    "unknown as `NULL` (SQL)": _unknown("NULL"),
    "unknown as `#N/A` (Excel)": _unknown("#N/A"),
    "unknown as `NaN`": _unknown("NaN"),
    "unknown as `-`": _unknown("-"),
    "whole numbers as `3.0` (pandas)": _floats,
    "decimal commas (pandas)": lambda table: _floats(table, sep=";", decimal=","),
    "the index of pandas": lambda table: str(table.to_csv()).encode(),
    "sex as `F` and `M`": _changed(gender=lambda text: text[0] if text != "Unknown/Invalid" else text),
    "ages in years": _changed(age=_middle),
    "ages as `60-70`": _changed(age=lambda text: text.strip("[)")),
    "ages as `60 to 70`": _changed(age=lambda text: text.strip("[)").replace("-", " to ")),
    "ages that Excel took for dates": _changed(age=_excel_date),
    "weights in pounds": _changed(weight=lambda text: text if text in ("?", ">200") else _middle(text)),
    "other columns, names in Windows-1252, quoted line ends": _foreign,
}
"""Writers of CSV by what is special about the file."""


def as_workbook(table: pd.DataFrame) -> bytes:
    """A workbook in which numbers are numbers and unknown cells are empty, as Excel stores them."""
    rows = [
        [None if cell == "?" else int(cell) if cell.isdigit() else cell for cell in row] for row in table.to_numpy()
    ]
    return workbook([list(table.columns), *rows])
