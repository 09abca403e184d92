"""Fits ensembles of trees to training rows in parts, and sums their trees."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from xgboost import DataIter, QuantileDMatrix, XGBClassifier
from xgboost import train as boost

from ml.compute.workers import THIS_PROCESS, Cluster, Workers
from ml.features.rates import Matrix
from ml.training.boosting import boost_on_cluster
from ml.training.offsets import Values
from ml.training.rows import SEED, Part, TrainingRows

Ensemble: TypeAlias = RandomForestClassifier | XGBClassifier

SHARE_BYTES: Final = 2**29
"""A forest needs its rows in memory at once. With more, each share of the trees is grown on a share of the parts."""
MOST_DRAWS: Final = 250_000
"""Maximum number of rows drawn for a tree of a forest. More rows make larger trees, hence a larger graph to serve."""
_SUMMED_TREES: Final = 100


def fit_trees(estimator: Ensemble, rows: TrainingRows, workers: Workers = THIS_PROCESS) -> Ensemble:
    """Fit an unfitted estimator; returns the fitted one."""
    if isinstance(estimator, RandomForestClassifier):
        return _fit_forest(estimator, rows, workers)
    parameters, rounds = estimator.get_xgb_params(), estimator.get_num_boosting_rounds()
    if isinstance(workers, Cluster):
        booster = boost_on_cluster(workers, parameters, rounds, rows)
    else:
        with tempfile.TemporaryDirectory(prefix="training-") as folder:
            matrix = QuantileDMatrix(_Batches(rows, Path(folder)), nthread=estimator.n_jobs)
        booster = boost(parameters, matrix, rounds)
    estimator.load_model(booster.save_raw())
    return estimator


class _Batches(DataIter):  # type: ignore[misc]
    """Yields a part after the other; XGBoost keeps one byte of a number. It reads them several times: from files."""

    def __init__(self, rows: TrainingRows, folder: Path) -> None:
        self._rows, self._folder, self._next = rows, folder, 0
        super().__init__()

    def next(self, input_data: Callable[..., Any]) -> bool:
        if self._next == len(self._rows.parts):
            return False
        part = self._part(self._next)
        input_data(data=part.matrix, label=part.labels, weight=part.weights)
        self._next += 1
        return True

    def reset(self) -> None:
        self._next = 0

    def _part(self, number: int) -> Part:
        file = self._folder / f"{number}.npz"
        if file.exists():
            with np.load(file) as arrays:
                return Part(**arrays)
        part = self._rows.part(number)
        np.savez(file, **asdict(part))
        return part


def _fit_forest(estimator: RandomForestClassifier, rows: TrainingRows, workers: Workers) -> RandomForestClassifier:
    parts = len(rows.parts)
    count = min(-(-parts * rows.bytes_of_part // SHARE_BYTES), parts, estimator.n_estimators)
    trees = [len(numbers) for numbers in np.array_split(np.arange(estimator.n_estimators), count)]
    shares = [
        (clone(estimator).set_params(n_estimators=trees[number], random_state=SEED + number), of_share)
        for number, of_share in enumerate(np.array_split(np.arange(parts), count))
    ]
    forests = list(workers.map(_fit_share, rows, shares))
    forest = forests[0]
    forest.estimators_ = [tree for of_share in forests for tree in of_share.estimators_]
    return forest.set_params(n_estimators=len(forest.estimators_))


def _fit_share(rows: TrainingRows, share: tuple[RandomForestClassifier, NDArray[np.intp]]) -> RandomForestClassifier:
    forest, numbers = share
    parts = [rows.part(int(number)) for number in numbers]
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
