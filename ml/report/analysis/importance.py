"""What the answers rest on: the loss of ranking when fields are exchanged between encounters of the test patients.

Fields of a group move together: they keep their relation to each other and lose the one to the patient.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from ml.evaluation.bootstrap import paired_difference
from ml.evaluation.metrics import METRICS, Values
from ml.report.analysis.sampling import SEED, of_some_patients
from ml.report.findings import Importance, Judged
from ml.schema import INPUTS, Column, Group

log = logging.getLogger(__name__)

ROWS: Final = 6_000
"""Encounters that are asked about: enough for intervals of a few thousandths, in seconds and not minutes."""
FIELDS_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class _Loss:
    label: str
    columns: tuple[Column, ...]
    permuted: Values  # probabilities with the columns exchanged
    auroc: float


def importance(judged: Judged, samples: int) -> tuple[tuple[Importance, ...], tuple[Importance, ...], int]:
    """Losses by group of fields and of the fields that matter most, each from the largest loss down.

    Args:
        judged: the answers for the test patients.
        samples: bootstrap replicates.

    Returns:
        Groups, single fields, and on how many encounters they were measured.
    """
    part = of_some_patients(judged, ROWS)
    order = np.random.default_rng(SEED).permutation(len(part.labels))
    log.info("Importance of fields on %s encounters", f"{len(part.labels):,}")
    by_group = [
        _loss(part, group.value, columns, order)
        for group in Group
        if (columns := tuple(column for column in INPUTS if column.group is group))
    ]
    by_field = [_loss(part, column.label, (column,), order) for column in INPUTS]
    shown = sorted(by_field, key=lambda loss: -loss.auroc)[:FIELDS_SHOWN]
    return _measured(part, by_group, samples), _measured(part, shown, samples), len(part.labels)


def _loss(part: Judged, label: str, columns: tuple[Column, ...], order: np.ndarray) -> _Loss:
    names = [column.name for column in columns]
    exchanged = part.table.copy()
    exchanged[names] = part.table[names].take(order).set_axis(part.table.index)
    # Most drugs are "No" for nearly everybody: only encounters that got another value need a new answer.
    changed = _differs(part.table[names], exchanged[names])
    permuted = part.probabilities.copy()
    if changed.any():
        permuted[changed] = part.answers(exchanged[changed])
    measure = METRICS["auroc"]
    loss = measure(part.labels, part.probabilities, None) - measure(part.labels, permuted, None)
    return _Loss(label, columns, permuted, loss)


def _differs(one: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    """Which rows differ in any column; two unknown values are equal. Shape ``(rows,)``."""
    return ((one != other) & ~(one.isna() & other.isna())).fillna(True).any(axis=1).to_numpy(dtype=bool)


def _measured(part: Judged, losses: Sequence[_Loss], samples: int) -> tuple[Importance, ...]:
    def difference(metric: str, loss: _Loss) -> dict[str, float]:
        return paired_difference(metric, part.labels, part.probabilities, loss.permuted, part.patients, samples)

    return tuple(
        Importance(loss.label, len(loss.columns), difference("auroc", loss), difference("average_precision", loss))
        for loss in sorted(losses, key=lambda loss: -loss.auroc)
    )
