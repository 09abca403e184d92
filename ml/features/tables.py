"""Derives model inputs, labels, patient groups and history from tables of encounters."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.core.bundle import NUMBERS, TEXTS
from ml.core.history import PREVIOUS
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


class Parts(Protocol):
    """Tables of encounters with history, made when they are asked for; all stays of a patient are in one of them."""

    def __len__(self) -> int:
        """Number of tables."""

    def __getitem__(self, number: int, /) -> pd.DataFrame:
        """Make the table of a number from 0."""


def model_inputs(table: pd.DataFrame) -> Inputs:
    """Inputs from a table with the columns of :data:`ml.schema.INPUTS`, NA for unknown."""
    texts = table[list(TEXTS)].astype(object)
    return Inputs(
        texts.where(texts.notna(), UNKNOWN).to_numpy(dtype=object), table[list(NUMBERS)].to_numpy(dtype=np.float32)
    )


def in_parts(table: pd.DataFrame, rows: int) -> Iterator[pd.DataFrame]:
    """Yield consecutive slices of at most ``rows`` rows; an empty table is one slice."""
    for start in range(0, max(len(table), 1), rows):
        yield table.iloc[start : start + rows]


def target(table: pd.DataFrame) -> NDArray[np.int64]:
    """1 for a readmission within 30 days, else 0; shape ``(rows,)``."""
    return (table[TARGET] == POSITIVE).to_numpy().astype(np.int64)


def patients(table: pd.DataFrame) -> NDArray[np.int64]:
    """Patient of each row, for grouping."""
    return table[PATIENT_ID].to_numpy(dtype=np.int64)


def with_history(table: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of :data:`ml.schema.HISTORY`, computed from each patient's rows with lower encounter ids.

    These are the inputs of :func:`ml.core.history.history_of`, for all rows at once.
    """
    # By position, because labels are not unique in concatenated tables.
    order = np.lexsort((table[ENCOUNTER_ID].to_numpy(), patients(table)))
    stays = table[list(PREVIOUS.values())].iloc[order].reset_index(drop=True)
    of_patient = patients(table)[order]
    first = np.append([True], of_patient[1:] != of_patient[:-1])[: len(table)]
    groups = np.cumsum(first)
    days, inpatient = (stays[name].fillna(0).groupby(groups) for name in ("time_in_hospital", "number_inpatient"))
    values = {
        "earlier_stays": stays.groupby(groups).cumcount(),
        "earlier_days": days.cumsum().shift().mask(first),
        "most_inpatient": inpatient.cummax().shift().mask(first),
        **{name: stays[column].shift().mask(first) for name, column in PREVIOUS.items()},
    }
    back = np.argsort(order)
    return _with_columns(table, {name: column.iloc[back].array for name, column in values.items()})


def without_history(table: pd.DataFrame) -> pd.DataFrame:
    """Set the history to unknown."""
    return _with_columns(table, dict.fromkeys(HISTORY_NAMES))


def _with_columns(table: pd.DataFrame, values: dict[str, Any]) -> pd.DataFrame:
    """Add the history; a text has the type of the column that it is copied from."""
    types = {c.name: "float32" if c.is_number else table[PREVIOUS[c.name]].dtype for c in HISTORY}
    return table.assign(**{n: pd.Series(values[n], index=table.index, dtype=types[n]) for n in HISTORY_NAMES})
