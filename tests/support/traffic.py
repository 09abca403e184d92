"""Ordinary traffic from the encounters of a delivered file, and what becomes of it when a source system changes."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from ml.schema import FEATURES, UNKNOWN

Record = dict[str, str | int]

AT_ONCE = 250


def records_of(data: Path, count: int) -> list[Record]:
    """The first encounters of a file as requests have them: features only, unknown ones left out."""
    with data.open(newline="") as file:
        rows = csv.DictReader(file)
        return [_record(row) for row, _ in zip(rows, range(count), strict=False)]


def ask(url: str, records: list[Record]) -> None:
    """Ask for their risks, as ordinary clients do."""
    for some in _parts(records):
        answer = httpx.post(f"{url}/predict", json={"records": some}, timeout=60)
        assert answer.status_code == 200, answer.text


def _record(row: dict[str, Any]) -> Record:
    known = ((column, row[column.name]) for column in FEATURES if row[column.name] not in ("", UNKNOWN))
    return {column.name: int(value) if column.is_number else value for column, value in known}


def _parts(records: list[Record]) -> Iterator[list[Record]]:
    return (records[start : start + AT_ONCE] for start in range(0, len(records), AT_ONCE))
