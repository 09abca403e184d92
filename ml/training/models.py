"""Model families: an encoder, an ensemble of trees, and offsets that calibrate incomplete records.

Classes are neither weighted nor resampled, because that would distort the calibration without improving the ranking.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import optuna
import pandas as pd
from scipy.special import expit
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBClassifier

from ml.compute.workers import THIS_PROCESS, Workers
from ml.features.encoder import Encoder
from ml.features.tables import Inputs, Parts, in_parts, model_inputs
from ml.training.ensembles import Ensemble, base_logit, fit_trees, tree_logits
from ml.training.offsets import Offsets, Values, fit_offsets, ordinary_number
from ml.training.rows import SEED, Augmentation, training_rows

Parameters = Mapping[str, Any]

ROWS_AT_ONCE: Final = 100_000
"""Encounters that are encoded at a time for a prediction."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of model."""

    name: str  # for display
    defaults: Parameters
    estimator: Callable[..., Any]  # makes the unfitted estimator
    suggest: Callable[[optuna.Trial], dict[str, Any]]  # draws parameters from the search space
    augmentation: Augmentation


@dataclass(frozen=True, slots=True)
class RiskModel:
    """A fitted model. ``base`` is the logit that boosting starts from; 0 for a forest."""

    encoder: Encoder
    estimator: Ensemble
    base: float
    offsets: Offsets

    def predict(self, table: pd.DataFrame) -> Values:
        """Probability of readmission within 30 days for a table of encounters, shape ``(rows,)``."""
        return np.concatenate([self.probabilities(model_inputs(part)) for part in in_parts(table, ROWS_AT_ONCE)])

    def probabilities(self, inputs: Inputs) -> Values:
        """The same for prepared inputs."""
        matrix = self.encoder.transform(inputs)
        risks: Values = expit(tree_logits(self.estimator, self.base, matrix) + self.offsets.of(matrix))
        return risks


def fit(
    family: str,
    parameters: Parameters,
    parts: Parts | pd.DataFrame,
    jobs: int,
    *,
    masked: int | None = None,
    workers: Workers = THIS_PROCESS,
) -> RiskModel:
    """Fit a model.

    Args:
        family: a key of :data:`FAMILIES`.
        parameters: of the estimator; they override the family's defaults.
        parts: training encounters with history; a table is one part.
        jobs: number of cores of this process.
        masked: copies with masked fields; by default the family's number. With 0 there are no offsets: such a model
            serves to compare parameters and to score complete records.
        workers: compute the parts; this process alone if there is one part.

    Raises:
        ClusterError: the Dask cluster of ``workers`` is lost.
    """
    chosen = FAMILIES[family]
    augmentation = chosen.augmentation if masked is None else replace(chosen.augmentation, masked=masked)
    parts = [parts] if isinstance(parts, pd.DataFrame) else parts
    workers = workers if len(parts) > 1 else THIS_PROCESS
    of_worker = jobs if workers is THIS_PROCESS else 1  # of a cluster, each has one core
    unfitted = chosen.estimator(**{**chosen.defaults, **parameters}, random_state=SEED, n_jobs=of_worker)
    rows = training_rows(parts, augmentation, workers)
    estimator = fit_trees(unfitted, rows, workers).set_params(n_jobs=jobs)
    base, offsets = base_logit(estimator), Offsets()
    if augmentation.masked:
        # The offsets are fitted to rows with a mask that the estimator was not fitted on.
        complete, matrix = rows.for_offsets()
        logits = tree_logits(estimator, base, matrix)
        offsets = fit_offsets(logits, matrix, rows.prevalence, ordinary_number(complete))
    return RiskModel(rows.encoder, estimator, base, offsets)


def _suggest_forest(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 10, 50, log=True),
        "max_features": trial.suggest_float("max_features", 0.15, 0.5),
        "max_samples": trial.suggest_float("max_samples", 0.15, 0.5),
    }


def _suggest_boosting(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "n_estimators": trial.suggest_int("n_estimators", 100, 1000, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.015, 0.06, log=True),
        "max_leaves": trial.suggest_int("max_leaves", 12, 48, log=True),
        "min_child_weight": trial.suggest_float("min_child_weight", 2, 30, log=True),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.15, 0.6),
        "reg_lambda": trial.suggest_float("reg_lambda", 1, 30, log=True),
    }


RANDOM_FOREST: Final = "random_forest"
GRADIENT_BOOSTING: Final = "gradient_boosting"

_leafwise_boosting: Final = partial(XGBClassifier, tree_method="hist", grow_policy="lossguide", max_depth=0)
_FOREST: Final = {"n_estimators": 200, "min_samples_leaf": 40, "max_features": 0.3, "max_samples": 0.25}
_BOOSTING: Final = {
    "n_estimators": 850,
    "learning_rate": 0.03,
    "max_leaves": 31,
    "min_child_weight": 4.0,
    "colsample_bytree": 0.3,
    "reg_lambda": 10.0,
}

FAMILIES: Final[Mapping[str, Family]] = {
    RANDOM_FOREST: Family("RandomForest", _FOREST, RandomForestClassifier, _suggest_forest, Augmentation(2, 0.3)),
    GRADIENT_BOOSTING: Family("XGBoost", _BOOSTING, _leafwise_boosting, _suggest_boosting, Augmentation(3, 2 / 3)),
}
