"""Metrics of subgroups of the test patients, with intervals."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.evaluation.bootstrap import evaluate
from ml.evaluation.metrics import METRICS, Labels, Metric, Values
from ml.evaluation.subgroups import SUBGROUP_ENCOUNTERS, SUBGROUP_POSITIVES
from ml.report.analysis.scored_test_set import ScoredTestSet
from ml.report.findings import Subgroup
from ml.schema import BY_NAME, ENCOUNTER_ID, PATIENT_ID

NOT_RECORDED: Final = "Not recorded"
REMAINING: Final = "All others"
ORDER: Final = ("First encounter", "Repeat encounter")


def _observed(labels: Labels, _probabilities: Values, weights: Values | None = None) -> float:
    return float(np.average(labels, weights=weights))


_METRICS: Final[Mapping[str, Metric]] = {
    "observed": _observed,
    "auroc": METRICS["auroc"],
    "average_precision": METRICS["average_precision"],
}


def subgroups(scored: ScoredTestSet, samples: int) -> tuple[Subgroup, ...]:
    """One row per level of each factor; small levels of a factor are pooled into one row."""
    rows: list[Subgroup] = []
    for factor, levels_of in FACTORS.items():
        levels = levels_of(scored.table)
        pooled = levels.where(~levels.isin(_small_levels(levels, scored.labels)), REMAINING)
        members = {level: (pooled == level).to_numpy() for level in levels.cat.categories}
        rows += [_subgroup(scored, factor, level, mask, samples) for level, mask in members.items() if mask.any()]
    return tuple(rows)


def _small_levels(levels: pd.Series, labels: Labels) -> list[str]:
    positives = pd.Series(labels, index=levels.index).groupby(levels, observed=True).agg(["size", "sum"])
    enough = (positives["size"] >= SUBGROUP_ENCOUNTERS) & (positives["sum"] >= SUBGROUP_POSITIVES)
    return [str(level) for level in positives.index[~enough]]


def _subgroup(scored: ScoredTestSet, factor: str, level: str, rows: NDArray[np.bool_], samples: int) -> Subgroup:
    labels, risks, patients = scored.labels[rows], scored.probabilities[rows], scored.patients[rows]
    positives = int(labels.sum())
    is_large = len(labels) >= SUBGROUP_ENCOUNTERS and positives >= SUBGROUP_POSITIVES
    metrics = evaluate(labels, risks, patients, samples, metrics=_METRICS) if is_large else {}
    return Subgroup(
        factor=factor,
        level=level,
        rows=len(labels),
        positives=positives,
        predicted=float(risks.mean()),
        observed=metrics.get("observed"),
        auroc=metrics.get("auroc"),
        average_precision=metrics.get("average_precision"),
    )


def _levels(name: str) -> Callable[[pd.DataFrame], pd.Series]:
    column = BY_NAME[name]
    texts = {value: column.text_of(value) for value in column.allowed}
    dtype = pd.CategoricalDtype([*dict.fromkeys([*texts.values(), NOT_RECORDED, REMAINING])])
    return lambda table: table[name].map(texts).astype(dtype).fillna(NOT_RECORDED)


def _encounter_order(table: pd.DataFrame) -> pd.Series:
    """Whether the patient had an earlier encounter; the test data hold all encounters of their patients."""
    earlier = table.sort_values(ENCOUNTER_ID).groupby(PATIENT_ID).cumcount().reindex(table.index)
    names = earlier.gt(0).map(dict(zip((False, True), ORDER, strict=True)))
    return names.astype(pd.CategoricalDtype([*ORDER, REMAINING]))


FACTORS: Final[Mapping[str, Callable[[pd.DataFrame], pd.Series]]] = {
    "Race": _levels("race"),
    "Gender": _levels("gender"),
    "Age": _levels("age"),
    "Payer": _levels("payer_code"),
    "Admission source": _levels("admission_source_id"),
    "Earlier encounters": _encounter_order,
}
