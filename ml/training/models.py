"""Model families: an encoder, an ensemble of trees, and offsets that calibrate incomplete records.

One model predicts from complete and from incomplete records. The training rows are augmented for this: once with
history removed, and n times with random fields masked. Classes are neither weighted nor resampled, because that would
distort the calibration without improving the ranking.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBClassifier

from ml.core.reliability import EARLIER_STAYS
from ml.features.encoder import Encoder, Matrix, feature_names
from ml.features.masking import apply_mask, random_mask
from ml.features.tables import Inputs, model_inputs, patients, target, without_history
from ml.schema import FEATURES, Kind

Parameters = Mapping[str, Any]
Values = NDArray[np.float64]

SEED: Final = 296
KNOWN_COLUMNS: Final = tuple(
    feature_names().index(f"{c.name}:order" if c.kind is Kind.ICD9 else c.name) for c in FEATURES
)
"""Columns of the encoded matrix that are negative exactly where a feature is unknown."""
HISTORY_COLUMN: Final = feature_names().index(EARLIER_STAYS)
"""The column that is negative exactly where the history is unknown."""

GROUPS: Final = tuple(dict.fromkeys(column.group for column in FEATURES))
MEMBERS: Final = np.array([[column.group is group for group in GROUPS] for column in FEATURES], dtype=np.float32)
"""1 where a feature belongs to a group; shape ``(len(FEATURES), len(GROUPS))``."""

_OFFSET_BINS: Final = 8
_ORDINARY_QUANTILE: Final = 0.01
"""This share of the training rows has fewer known features than an ordinary record."""
_SUMMED_TREES: Final = 100
_NEWTON_STEPS: Final = 12
_RIDGE: Final = 1.0
"""Penalty that holds an offset at 0 where no row determines it."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of model, with its parameters and its augmentation of the training rows."""

    name: str  # for display
    defaults: Parameters
    estimator: Callable[..., Any]  # makes the unfitted estimator
    suggest: Callable[[optuna.Trial], dict[str, Any]]  # draws parameters from the search space
    masked: int  # number of copies of the training rows with random fields masked
    mask_weight: float  # sample weight of a masked row; an unmasked row has 1


@dataclass(frozen=True, slots=True)
class Offsets:
    """Additions to the logit of an incomplete record.

    ``by_number``: by whether the history is known and by number of known features, ``(2, len(FEATURES) + 1)``;
    ``by_group``: for each group whose fields are all unknown, ``(len(GROUPS),)``.
    """

    by_number: NDArray[np.float32] = field(default_factory=lambda: np.zeros((2, len(FEATURES) + 1), np.float32))
    by_group: NDArray[np.float32] = field(default_factory=lambda: np.zeros(len(GROUPS), np.float32))

    def of(self, matrix: Matrix) -> Values:
        """The offset of each row of an encoded matrix, shape ``(rows,)``."""
        by_number = self.by_number[known_history(matrix).astype(np.int64), known_features(matrix)]
        offsets: Values = by_number + unknown_groups(matrix) @ self.by_group
        return offsets


@dataclass(frozen=True, slots=True)
class RiskModel:
    """A fitted model. ``base`` is the logit that boosting starts from; 0 for a forest."""

    encoder: Encoder
    estimator: RandomForestClassifier | XGBClassifier
    base: float
    offsets: Offsets

    def predict(self, table: pd.DataFrame) -> Values:
        """Probability of readmission within 30 days for a table of encounters, shape ``(rows,)``."""
        return self.probabilities(model_inputs(table))

    def probabilities(self, inputs: Inputs) -> Values:
        """The same for prepared inputs."""
        matrix = self.encoder.transform(inputs)
        risks: Values = expit(tree_logits(self.estimator, self.base, matrix) + self.offsets.of(matrix))
        return risks


def fit(family: str, parameters: Parameters, table: pd.DataFrame, jobs: int, *, masked: int | None = None) -> RiskModel:
    """Fit a model.

    Args:
        family: a key of :data:`FAMILIES`.
        parameters: of the estimator; they override the family's defaults.
        table: training encounters with history.
        jobs: number of cores.
        masked: copies with masked fields; by default the family's number. With 0 there are no offsets: such a model
            serves to compare parameters and to score complete records.
    """
    chosen = FAMILIES[family]
    copies = chosen.masked if masked is None else masked
    inputs, labels = model_inputs(table), target(table)
    variants = [inputs, model_inputs(without_history(table))]
    variants += [apply_mask(inputs, random_mask(len(table), SEED + number)) for number in range(copies)]
    # The offsets are fitted to rows with a mask that the estimator was not fitted on.
    masked_again = apply_mask(inputs, random_mask(len(table), SEED - 1))
    encoder = Encoder().fit(inputs, labels)
    *matrices, offset_matrix = encoder.cross_transform([*variants, masked_again], labels, patients(table))
    estimator = chosen.estimator(**{**chosen.defaults, **parameters}, random_state=SEED, n_jobs=jobs)
    weights = np.repeat([1.0, 1.0, *[chosen.mask_weight] * copies], len(table))
    estimator.fit(np.concatenate(matrices), np.tile(labels, len(variants)), sample_weight=weights)
    base = _base_logit(estimator) if isinstance(estimator, XGBClassifier) else 0.0
    offsets = Offsets()
    if copies:
        ordinary = ordinary_number(matrices[0])
        logits = tree_logits(estimator, base, offset_matrix)
        offsets = fit_offsets(logits, offset_matrix, float(labels.mean()), ordinary)
    return RiskModel(encoder, estimator, base, offsets)


def known_features(matrix: Matrix) -> NDArray[np.int64]:
    """Number of known features in each row of an encoded matrix, 0 to 47."""
    known: NDArray[np.int64] = (matrix[:, KNOWN_COLUMNS] >= 0).sum(axis=1)
    return known


def ordinary_number(matrix: Matrix) -> int:
    """Number of known features that only few of these rows do not reach."""
    return int(np.quantile(known_features(matrix), _ORDINARY_QUANTILE))


def known_history(matrix: Matrix) -> NDArray[np.bool_]:
    """Whether the history is known in each row of an encoded matrix."""
    return np.asarray(matrix[:, HISTORY_COLUMN] >= 0)


def unknown_groups(matrix: Matrix) -> NDArray[np.bool_]:
    """Groups without any known feature in each row; shape ``(rows, len(GROUPS))``."""
    known = matrix[:, KNOWN_COLUMNS] >= 0
    return np.asarray(known @ MEMBERS == 0)


def fit_offsets(logits: Values, matrix: Matrix, prevalence: float, ordinary: int) -> Offsets:
    """Offsets that bring the mean risk to the prevalence for each number of known features and each unknown group.

    Fields are masked at random, so the rate of readmissions does not depend on the mask, but shrinkage moves the trees'
    mean. Records with at least ``ordinary`` known features get no offset unless a whole group is unknown. The offsets
    are a logistic regression on the kind of mask, with the prevalence as outcome, solved by Newton's method.
    """
    known = known_features(matrix)
    edges = np.quantile(known, np.linspace(0, 1, _OFFSET_BINS + 1)[1:-1])
    numbers = np.arange(len(FEATURES) + 1)
    bins = np.searchsorted(edges, numbers, side="right")
    by_bin = np.eye(_OFFSET_BINS)[bins[known]] * (known < ordinary)[:, None]
    history = known_history(matrix)[:, None]
    design = np.hstack([by_bin * ~history, by_bin * history, unknown_groups(matrix)])
    offsets = np.zeros(design.shape[1])
    for _ in range(_NEWTON_STEPS):
        risks = expit(logits + design @ offsets)
        curvature = (design * (risks * (1 - risks))[:, None]).T @ design + _RIDGE * np.eye(len(offsets))
        offsets += np.linalg.solve(curvature, design.T @ (prevalence - risks) - _RIDGE * offsets)
    by_bins, by_group = np.split(offsets, [2 * _OFFSET_BINS])
    by_number = np.where(numbers < ordinary, by_bins.reshape(2, _OFFSET_BINS)[:, bins], 0)
    return Offsets(by_number.astype(np.float32), by_group.astype(np.float32))


def tree_logits(estimator: RandomForestClassifier | XGBClassifier, base: float, matrix: Matrix) -> Values:
    """Logits of the trees without offsets, shape ``(rows,)``."""
    if isinstance(estimator, RandomForestClassifier):
        return np.asarray(logit(estimator.predict_proba(matrix)[:, 1]))
    # XGBoost sums in float32: few trees at a time, starting from 0, keep the rounding error small.
    logits = np.full(len(matrix), base)
    from_0 = {"output_margin": True, "base_margin": np.zeros(len(matrix))}
    count = estimator.get_booster().num_boosted_rounds()
    for start in range(0, count, _SUMMED_TREES):
        trees = (start, min(start + _SUMMED_TREES, count))
        logits += estimator.predict(matrix, **from_0, iteration_range=trees)
    return logits


def _base_logit(estimator: XGBClassifier) -> float:
    config = json.loads(estimator.get_booster().save_config())
    base = json.loads(config["learner"]["learner_model_param"]["base_score"])
    return float(logit(np.ravel(base)[0]))


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
    RANDOM_FOREST: Family("RandomForest", _FOREST, RandomForestClassifier, _suggest_forest, 2, 0.3),
    GRADIENT_BOOSTING: Family("XGBoost", _BOOSTING, _leafwise_boosting, _suggest_boosting, 3, 2 / 3),
}
