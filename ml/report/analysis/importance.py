"""Permutation importance: loss of ranking when fields are permuted between encounters of the test patients.

The fields of a group are permuted together: they keep their relation to each other and lose the one to the patient.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from ml.evaluation.bootstrap import paired_differences
from ml.evaluation.metrics import METRICS, Values
from ml.report.analysis.scored_test_set import SEED, ScoredTestSet
from ml.report.findings import Importance
from ml.schema import INPUTS, Column, Group

log = logging.getLogger(__name__)

ROWS: Final = 6_000
"""Encounters used: gives intervals of a few thousandths within seconds."""
FIELDS_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class _Loss:
    label: str
    fields: int
    permuted: Values  # probabilities with the fields permuted
    auroc: float


def importance(scored: ScoredTestSet, samples: int) -> tuple[tuple[Importance, ...], tuple[Importance, ...], int]:
    """Importance of groups and of the most important fields, by falling loss, and the number of encounters used."""
    part = scored.sample_patients(ROWS)
    order = np.random.default_rng(SEED).permutation(len(part.labels))
    log.info("Permutation importance on %s encounters", f"{len(part.labels):,}")
    columns_of = {group: [column for column in INPUTS if column.group is group] for group in Group}
    by_group = [_loss(part, group.value, columns, order) for group, columns in columns_of.items() if columns]
    by_field = [_loss(part, column.label, [column], order) for column in INPUTS]
    shown = sorted(by_field, key=lambda loss: -loss.auroc)[:FIELDS_SHOWN]
    return _with_intervals(part, by_group, samples), _with_intervals(part, shown, samples), len(part.labels)


def _loss(part: ScoredTestSet, label: str, columns: Sequence[Column], order: np.ndarray) -> _Loss:
    names = [column.name for column in columns]
    permuted = part.table.copy()
    permuted[names] = part.table[names].take(order).set_axis(part.table.index)
    # Most drugs are "No" for nearly all patients: only rows with another value are predicted again.
    changed = _differs(part.table[names], permuted[names])
    probabilities = part.probabilities.copy()
    if changed.any():
        probabilities[changed] = part.predict(permuted[changed])
    auroc = METRICS["auroc"]
    loss = auroc(part.labels, part.probabilities, None) - auroc(part.labels, probabilities, None)
    return _Loss(label, len(columns), probabilities, loss)


def _differs(one: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    """Rows that differ in any column, shape ``(rows,)``; two unknown values are equal."""
    return ((one != other) & ~(one.isna() & other.isna())).fillna(True).any(axis=1).to_numpy(dtype=bool)


def _with_intervals(part: ScoredTestSet, losses: Sequence[_Loss], samples: int) -> tuple[Importance, ...]:
    ordered = sorted(losses, key=lambda loss: -loss.auroc)
    permuted = [loss.permuted for loss in ordered]
    auroc, precision = (
        paired_differences(metric, part.labels, part.probabilities, permuted, part.patients, samples)
        for metric in ("auroc", "average_precision")
    )
    return tuple(
        Importance(loss.label, loss.fields, *intervals)
        for loss, *intervals in zip(ordered, auroc, precision, strict=True)
    )
