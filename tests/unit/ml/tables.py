"""Tables of encounters for tests, made with production code."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ml.data.cohort import cohort_of_file
from ml.data.sources.synthetic import write_csv
from ml.features.tables import with_history
from ml.schema import COLUMN_NAMES, EXAMPLE_RECORD


def delivered(*changes: dict[str, Any]) -> pd.DataFrame:
    """A chunk as ``read_chunks`` yields it: one valid row per argument, with the given values changed."""
    rows = [
        {**EXAMPLE_RECORD, "encounter_id": 1000 + i, "patient_nbr": 10 + i, "readmitted": "NO", **change}
        for i, change in enumerate(changes)
    ]
    texts = [{name: None if value is None else str(value) for name, value in row.items()} for row in rows]
    return pd.DataFrame(texts, columns=list(COLUMN_NAMES), index=range(1, len(rows) + 1), dtype="str")


def write_delivery(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write such rows as a delivered file."""
    delivered(*rows).fillna("?").to_csv(path, index=False)
    return path


def cohort(rows: int, seed: int = 296) -> pd.DataFrame:
    """A synthetic cohort as ``ml.warehouse.datasets.read`` returns it."""
    with tempfile.TemporaryDirectory() as scratch:
        write_csv(Path(scratch, "cohort.csv"), rows, seed)
        return as_read(Path(scratch, "cohort.csv"))


def as_read(delivery: Path) -> pd.DataFrame:
    """A delivered file as ``ml.warehouse.datasets.read`` returns it, without PostgreSQL."""
    return with_history(cohort_of_file(delivery).table)
