"""Tables of encounters for tests, through the code that production uses."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ml.data.sources.file import read_chunks
from ml.data.sources.synthetic import write_csv
from ml.data.validation import validate
from ml.features.tables import with_history
from ml.schema import CANNOT_BE_READMITTED, COLUMN_NAMES, COLUMNS, EXAMPLE_RECORD, Kind

TYPES = {c.name: "int64" if c.kind is Kind.IDENTIFIER else "float32" if c.is_number else "str" for c in COLUMNS}


def delivered(*changes: dict[str, Any]) -> pd.DataFrame:
    """A chunk as ``read_chunks`` yields it: a sound row per argument, with some of its values changed."""
    rows = [
        {**EXAMPLE_RECORD, "encounter_id": 1000 + i, "patient_nbr": 10 + i, "readmitted": "NO", **change}
        for i, change in enumerate(changes)
    ]
    texts = [{name: None if value is None else str(value) for name, value in row.items()} for row in rows]
    return pd.DataFrame(texts, columns=list(COLUMN_NAMES), index=range(1, len(rows) + 1), dtype="str")


def write_delivery(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """The same rows as a file of the delivered form."""
    delivered(*rows).fillna("?").to_csv(path, index=False)
    return path


def cohort(rows: int, seed: int = 296) -> pd.DataFrame:
    """A synthetic cohort as ``ml.warehouse.datasets.read`` gives it, those who cannot return left out."""
    with tempfile.TemporaryDirectory() as scratch:
        write_csv(Path(scratch, "cohort.csv"), rows, seed)
        return as_read(Path(scratch, "cohort.csv"), Path(scratch))


def as_read(delivery: Path, scratch: Path) -> pd.DataFrame:
    """A delivered file as the warehouse gives it back, without the detour over PostgreSQL."""
    accepted = validate(read_chunks(delivery), scratch / "validated", 0).accepted
    table = pd.read_csv(
        accepted, header=None, names=list(COLUMN_NAMES), dtype=TYPES, keep_default_na=False, na_values=[""]
    )
    return with_history(table[~table["discharge_disposition_id"].isin(CANNOT_BE_READMITTED)].reset_index(drop=True))
