"""How the model does for whom: figures of parts of the test patients, with intervals."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from ml.evaluation.bootstrap import evaluate
from ml.evaluation.metrics import METRICS, Labels, Metric, Values
from ml.evaluation.subgroups import SUBGROUP_ENCOUNTERS, SUBGROUP_POSITIVES
from ml.report.findings import Judged, Subgroup
from ml.schema import BY_NAME, ENCOUNTER_ID, PATIENT_ID

MIN_ROWS: Final = SUBGROUP_ENCOUNTERS
MIN_POSITIVES: Final = SUBGROUP_POSITIVES
"""Levels with less are pooled: their figures would be noise."""

NOT_RECORDED: Final = "Not recorded"
REMAINING: Final = "All others"


def _observed(labels: Labels, _probabilities: Values, weights: Values | None = None) -> float:
    return float(np.average(labels, weights=weights))


_FIGURES: Final[Mapping[str, Metric]] = {
    "observed": _observed,
    "auroc": METRICS["auroc"],
    "average_precision": METRICS["average_precision"],
}


def subgroups(judged: Judged, samples: int) -> tuple[Subgroup, ...]:
    """One row per level of each factor, factor by factor; small levels of a factor are pooled into one row.

    Args:
        judged: the answers for the test patients.
        samples: bootstrap replicates.
    """
    found: list[Subgroup] = []
    for factor, levels_of in FACTORS.items():
        levels = levels_of(judged.table)
        pooled = levels.where(~levels.isin(_small(levels, judged.labels)), REMAINING)
        found += [
            _subgroup(judged, factor, level, (pooled == level).to_numpy(), samples)
            for level in levels.cat.categories
            if (pooled == level).any()
        ]
    return tuple(found)


def _small(levels: pd.Series, labels: Labels) -> list[str]:
    positives = pd.Series(labels, index=levels.index).groupby(levels, observed=True).agg(["size", "sum"])
    enough = (positives["size"] >= MIN_ROWS) & (positives["sum"] >= MIN_POSITIVES)
    return [str(level) for level in positives.index[~enough]]


def _subgroup(judged: Judged, factor: str, level: str, rows: Values, samples: int) -> Subgroup:
    labels, risks = judged.labels[rows], judged.probabilities[rows]
    positives = int(labels.sum())
    figures = (
        evaluate(labels, risks, judged.patients[rows], samples, metrics=_FIGURES)
        if len(labels) >= MIN_ROWS and positives >= MIN_POSITIVES
        else {}
    )
    return Subgroup(
        factor=factor,
        level=level,
        rows=len(labels),
        positives=positives,
        predicted=float(risks.mean()),
        observed=figures.get("observed"),
        auroc=figures.get("auroc"),
        average_precision=figures.get("average_precision"),
    )


def _levels(name: str) -> Callable[[pd.DataFrame], pd.Series]:
    """The values of a column as people read them, in the order of the schema, the unknown last."""
    column = BY_NAME[name]
    texts = {value: column.text_of(value) for value in column.allowed}

    def levels_of(table: pd.DataFrame) -> pd.Series:
        read = table[name].map(texts).fillna(NOT_RECORDED)
        return read.astype(pd.CategoricalDtype([*dict.fromkeys([*texts.values(), NOT_RECORDED, REMAINING])]))

    return levels_of


def _stay(table: pd.DataFrame) -> pd.Series:
    """Whether the patient had an earlier encounter in the cohort; test patients are in the test data with all."""
    earlier = table.sort_values(ENCOUNTER_ID).groupby(PATIENT_ID).cumcount().reindex(table.index)
    names = earlier.gt(0).map({False: "First encounter", True: "Repeat encounter"})
    return names.astype(pd.CategoricalDtype(["First encounter", "Repeat encounter", REMAINING]))


FACTORS: Final[Mapping[str, Callable[[pd.DataFrame], pd.Series]]] = {
    "Race": _levels("race"),
    "Gender": _levels("gender"),
    "Age": _levels("age"),
    "Payer": _levels("payer_code"),
    "Admission source": _levels("admission_source_id"),
    "Earlier encounters": _stay,
}
"""Name of a factor to what gives each encounter its level."""
