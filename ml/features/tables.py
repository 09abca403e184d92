"""Derives model inputs, labels, patient groups and history from tables of encounters."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.core.bundle import NUMBERS, TEXTS
from ml.core.history import SOURCE_COLUMNS, history_of
from ml.schema import ENCOUNTER_ID, HISTORY, HISTORY_NAMES, PATIENT_ID, POSITIVE, TARGET, UNKNOWN


@dataclass(frozen=True, slots=True)
class Inputs:
    """Inputs of the graph, with the columns :data:`ml.core.bundle.TEXTS` and :data:`ml.core.bundle.NUMBERS`.

    ``texts``: object ``(rows, len(TEXTS))``, unknown is ``"?"``; ``numbers``: float32 ``(rows, len(NUMBERS))``, unknown
    is NaN.
    """

    texts: NDArray[np.object_]
    numbers: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, chosen: NDArray[Any]) -> "Inputs":
        """Select rows by index or mask."""
        return Inputs(self.texts[chosen], self.numbers[chosen])


def model_inputs(table: pd.DataFrame) -> Inputs:
    """Inputs from a table with the columns of :data:`ml.schema.INPUTS`, NA for unknown."""
    texts = table[list(TEXTS)].astype(object)
    return Inputs(
        texts.where(texts.notna(), UNKNOWN).to_numpy(dtype=object), table[list(NUMBERS)].to_numpy(dtype=np.float32)
    )


def target(table: pd.DataFrame) -> NDArray[np.int64]:
    """1 for a readmission within 30 days, else 0; shape ``(rows,)``."""
    return (table[TARGET] == POSITIVE).to_numpy().astype(np.int64)


def patients(table: pd.DataFrame) -> NDArray[np.int64]:
    """Patient of each row, for grouping."""
    return table[PATIENT_ID].to_numpy(dtype=np.int64)


def with_history(table: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of :data:`ml.schema.HISTORY`, computed from each patient's rows with lower encounter ids."""
    # By position, because labels are not unique in concatenated tables.
    order = np.argsort(table[ENCOUNTER_ID].to_numpy())
    in_order = table[list(SOURCE_COLUMNS)].iloc[order].astype(object)
    encounters = in_order.where(in_order.notna(), None).to_dict("records")
    rows: list[dict[str, str | int]] = [{}] * len(table)
    past: dict[int, list[dict[str, Any]]] = {}
    for position, patient, encounter in zip(order, patients(table)[order], encounters, strict=True):
        earlier = past.setdefault(patient, [])
        rows[position] = history_of(earlier)
        earlier.append({str(name): value for name, value in encounter.items()})
    return _with_columns(table, {name: [row.get(name) for row in rows] for name in HISTORY_NAMES})


def without_history(table: pd.DataFrame) -> pd.DataFrame:
    """Set the history to unknown."""
    return _with_columns(table, dict.fromkeys(HISTORY_NAMES))


def _with_columns(table: pd.DataFrame, values: dict[str, Any]) -> pd.DataFrame:
    columns = {
        c.name: pd.Series(values[c.name], index=table.index, dtype="float32" if c.is_number else "str") for c in HISTORY
    }
    return table.assign(**columns)
