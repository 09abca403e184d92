"""Counts the test encounters by risk, outcome and subgroup, for the figures of any threshold."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.core.policies.threshold_table import ALL, Counts, Group, ThresholdTable, steps_of
from ml.evaluation.bootstrap import resampled_weights
from ml.evaluation.metrics import Labels, Values
from ml.evaluation.subgroups import SUBGROUP_COLUMNS
from ml.report.analysis.scored_test_set import SEED, ScoredTestSet
from ml.schema import BY_NAME, UNKNOWN

WEEKS: Final = 10 * 365.25 / 7
"""The data set has the encounters of ten years, 1999 to 2008."""


def weekly_encounters(encounters: int, source: str) -> float | None:
    """Encounters per week of the genuine data set; None for data without a known period."""
    return encounters / WEEKS if source in ("uci", "file") else None


def threshold_table(
    scored: ScoredTestSet, risks: NDArray[np.float32], samples: int, encounters_per_week: float | None
) -> ThresholdTable:
    """Count the encounters with the risks that the service answers, which may differ from the model's by 1e-6."""
    groups, members = [ALL], [np.zeros(len(risks), dtype=np.intp)]
    for column in SUBGROUP_COLUMNS:
        values = _values(scored.table, column)
        present = [value for value in (*map(str, BY_NAME[column].allowed), UNKNOWN) if (values == value).any()]
        members.append(len(groups) + pd.Categorical(values, present).codes.astype(np.intp))
        groups += [Group(column, value) for value in present]
    weights = [np.ones(len(risks)), *resampled_weights(scored.patients, samples, SEED)]
    labels, reference = scored.labels, steps_of(scored.reference)
    counts = sum_by_step(steps_of(risks), labels, np.array(members), len(groups), weights)
    of_reference = sum_by_step(reference, labels, np.array(members[:1]), 1, weights)[0]
    return ThresholdTable(tuple(groups), counts, of_reference, encounters_per_week)


def sum_by_step(
    steps: NDArray[np.intp], labels: Labels, members: NDArray[np.intp], groups: int, weights: list[Values]
) -> Counts:
    """Sum the weights of the rows by group, outcome, replicate and step.

    Each row of ``members``, shape ``(columns, rows)``, has the group of every encounter by one column.
    """
    width = int(steps.max()) + 1
    places = (members * 2 + labels) * width + steps
    size = groups * 2 * width
    counts = np.empty((len(weights), groups, 2, width), dtype=np.uint32)
    for replicate, drawn in enumerate(weights):
        summed = np.bincount(places.ravel(), np.tile(drawn, len(members)), size)
        counts[replicate] = summed.reshape(groups, 2, width)
    ordered = np.ascontiguousarray(counts.transpose(1, 2, 0, 3))
    return ordered if ordered.max() > np.iinfo(np.uint16).max else ordered.astype(np.uint16)


def _values(table: pd.DataFrame, column: str) -> NDArray[np.str_]:
    return table[column].astype(object).fillna(UNKNOWN).to_numpy(dtype=np.str_)
