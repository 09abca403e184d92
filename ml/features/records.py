"""Converts between tables of encounters and records of the API."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.features.tables import in_parts
from ml.schema import INPUTS, Record

Risk = TypeVar("Risk", bound=np.floating[Any])

RECORDS_AT_ONCE: Final = 20_000
"""Records of a table in memory at once; one takes about 3 kB."""


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


def predict_table(predict: Callable[[list[Record]], NDArray[Risk]], table: pd.DataFrame) -> NDArray[Risk]:
    """Predict the records of a table in parts; ``predict`` returns one value for each record."""
    return np.concatenate([predict(to_records(part)) for part in in_parts(table, RECORDS_AT_ONCE)])
