"""From tables of encounters to what a model sees: texts and numbers, the target, and the past of each patient."""

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
    """What the graph takes, row by row.

    ``texts``: object ``(rows, len(TEXTS))``, ``"?"`` is unknown; ``numbers``: float32 ``(rows, len(NUMBERS))``, NaN
    is unknown. The columns are those of :data:`ml.core.bundle.TEXTS` and :data:`ml.core.bundle.NUMBERS`.
    """

    texts: NDArray[np.object_]
    numbers: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, chosen: NDArray[Any]) -> "Inputs":
        """Some of the rows, by index or mask."""
        return Inputs(self.texts[chosen], self.numbers[chosen])


def model_inputs(table: pd.DataFrame) -> Inputs:
    """The inputs of a table that holds every column of :data:`ml.schema.INPUTS`, NA for unknown."""
    texts = table[list(TEXTS)].astype(object)
    return Inputs(
        texts.where(texts.notna(), UNKNOWN).to_numpy(dtype=object), table[list(NUMBERS)].to_numpy(dtype=np.float32)
    )


def target(table: pd.DataFrame) -> NDArray[np.int64]:
    """1 where the patient was readmitted within 30 days, else 0; shape ``(rows,)``."""
    return (table[TARGET] == POSITIVE).to_numpy().astype(np.int64)


def patients(table: pd.DataFrame) -> NDArray[np.int64]:
    """The patient of each row, for grouping; never a feature."""
    return table[PATIENT_ID].to_numpy(dtype=np.int64)


def with_history(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the columns of :data:`ml.schema.HISTORY` added, from each patient's earlier rows alone.

    Args:
        table: encounters of the cohort with identifiers, in any order; the identifier of an encounter is its order.
    """
    # By place, not by label: tables that were put together may carry a label twice.
    order = np.argsort(table[ENCOUNTER_ID].to_numpy())
    in_order = table[list(SOURCE_COLUMNS)].iloc[order].astype(object)
    encounters = in_order.where(in_order.notna(), None).to_dict("records")
    rows: list[dict[str, str | int]] = [{}] * len(table)
    past: dict[int, list[dict[str, Any]]] = {}
    for place, patient, encounter in zip(order, patients(table)[order], encounters, strict=True):
        earlier = past.setdefault(patient, [])
        rows[place] = history_of(earlier)
        earlier.append({str(name): value for name, value in encounter.items()})
    return _with_columns(table, {name: [row.get(name) for row in rows] for name in HISTORY_NAMES})


def without_history(table: pd.DataFrame) -> pd.DataFrame:
    """The table with nothing known of earlier stays."""
    return _with_columns(table, dict.fromkeys(HISTORY_NAMES))


def _with_columns(table: pd.DataFrame, values: dict[str, Any]) -> pd.DataFrame:
    columns = {
        c.name: pd.Series(values[c.name], index=table.index, dtype="float32" if c.is_number else "str") for c in HISTORY
    }
    return table.assign(**columns)
