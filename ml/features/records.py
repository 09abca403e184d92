"""Converts between tables of encounters and records of the API."""

import pandas as pd

from ml.schema import INPUTS, Record


def to_records(table: pd.DataFrame) -> list[Record]:
    """Records with the known values only, numbers as int."""
    columns = [
        [None if pd.isna(v) else int(v) if c.is_number else str(v) for v in table[c.name].tolist()] for c in INPUTS
    ]
    names = [c.name for c in INPUTS]
    return [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in zip(*columns, strict=True)
    ]


def to_table(requests: list[Record]) -> pd.DataFrame:
    """Inverse of :func:`to_records`; absent values are NA."""
    return pd.DataFrame(
        {
            c.name: pd.Series([r.get(c.name) for r in requests], dtype="Float32" if c.is_number else "str")
            for c in INPUTS
        }
    )
