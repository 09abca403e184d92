"""Fits ensembles of trees to training rows in parts, and sums their trees."""

import json
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from xgboost import DataIter, QuantileDMatrix, XGBClassifier
from xgboost import train as boost

from ml.features.rates import Matrix
from ml.training.offsets import Values
from ml.training.rows import SEED, TrainingRows

Ensemble: TypeAlias = RandomForestClassifier | XGBClassifier

SHARE_BYTES: Final = 2**29
"""A forest needs its rows in memory at once. With more, each share of the trees is grown on a share of the parts."""
MOST_DRAWS: Final = 250_000
"""Maximum number of rows drawn for a tree of a forest. More rows make larger trees, hence a larger graph to serve."""
_SUMMED_TREES: Final = 100


def fit_trees(estimator: Ensemble, rows: TrainingRows) -> Ensemble:
    """Fit an unfitted estimator; returns the fitted one."""
    if isinstance(estimator, RandomForestClassifier):
        return _fit_forest(estimator, rows)
    matrix = QuantileDMatrix(_Batches(rows), nthread=estimator.n_jobs)
    booster = boost(estimator.get_xgb_params(), matrix, estimator.get_num_boosting_rounds())
    estimator.load_model(booster.save_raw())
    return estimator


class _Batches(DataIter):  # type: ignore[misc]
    """Reads a part after the other; XGBoost keeps one byte of a number."""

    def __init__(self, rows: TrainingRows) -> None:
        self._rows = rows
        self._next = 0
        super().__init__()

    def next(self, input_data: Callable[..., Any]) -> bool:
        if self._next == self._rows.parts:
            return False
        part = self._rows.part(self._next)
        input_data(data=part.matrix, label=part.labels, weight=part.weights)
        self._next += 1
        return True

    def reset(self) -> None:
        self._next = 0


def _fit_forest(estimator: RandomForestClassifier, rows: TrainingRows) -> RandomForestClassifier:
    size = sum(rows.size(number) for number in range(rows.parts))
    shares = np.array_split(np.arange(rows.parts), min(-(-size // SHARE_BYTES), rows.parts, estimator.n_estimators))
    trees = [len(numbers) for numbers in np.array_split(np.arange(estimator.n_estimators), len(shares))]
    forests = [
        _fit_share(clone(estimator).set_params(n_estimators=count, random_state=SEED + number), rows, share)
        for number, (share, count) in enumerate(zip(shares, trees, strict=True))
    ]
    forest = forests[0]
    forest.estimators_ = [tree for of_share in forests for tree in of_share.estimators_]
    return forest.set_params(n_estimators=len(forest.estimators_))


def _fit_share(forest: RandomForestClassifier, rows: TrainingRows, share: NDArray[np.intp]) -> RandomForestClassifier:
    parts = [rows.part(number) for number in share]
    weights = np.concatenate([part.weights for part in parts])
    if isinstance(forest.max_samples, float) and forest.max_samples * weights.sum() > MOST_DRAWS:
        forest.set_params(max_samples=MOST_DRAWS)
    labels, matrix = (np.concatenate([getattr(part, name) for part in parts]) for name in ("labels", "matrix"))
    del parts
    return forest.fit(matrix, labels, sample_weight=weights)


def tree_logits(estimator: Ensemble, base: float, matrix: Matrix) -> Values:
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


def base_logit(estimator: Ensemble) -> float:
    """The logit that boosting starts from; 0 for a forest."""
    if isinstance(estimator, RandomForestClassifier):
        return 0.0
    config = json.loads(estimator.get_booster().save_config())
    base = json.loads(config["learner"]["learner_model_param"]["base_score"])
    return float(logit(np.ravel(base)[0]))
