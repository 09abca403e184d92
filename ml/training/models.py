"""The models: an encoder, trees, and what keeps their average right for records that tell little.

One model answers every record, however much is known. It practises on the training encounters as they are, on the
same without earlier stays, and on copies with random fields hidden: trained on complete rows alone it would answer
a request of three fields with a confident falsehood. No model weights or resamples the classes: that buys nothing
in ranking and ruins calibration.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray
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
"""Columns of the matrix that are below 0 exactly where a feature is unknown."""

HISTORY_COLUMN: Final = feature_names().index(EARLIER_STAYS)
"""The column that is below 0 exactly where nothing is known of earlier stays."""

GROUPS: Final = tuple(dict.fromkeys(column.group for column in FEATURES))
MEMBERS: Final = np.array([[column.group is group for group in GROUPS] for column in FEATURES], dtype=np.float32)
"""1 where a feature belongs to a group; shape ``(len(FEATURES), len(GROUPS))``."""

_OFFSET_BINS: Final = 8
_ORDINARY: Final = 0.01
"""All but this share of the training rows know at least as much as an ordinary record."""

_SUMMED_TREES: Final = 100
_NEWTON_STEPS: Final = 12
_RIDGE: Final = 1.0
"""Holds an offset at 0 where no row tells anything of it."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of model: its display name, default settings, estimator, search space and practice.

    ``masked`` copies of the training rows, each with random fields hidden, count ``mask_weight`` each beside 1 for
    the rows as they are. ``first_guess`` says the defaults in the names of the search space.
    """

    name: str
    defaults: Parameters
    estimator: Callable[[Parameters, int], Any]
    suggest: Callable[[optuna.Trial], dict[str, Any]]
    first_guess: Parameters
    masked: int
    mask_weight: float


@dataclass(frozen=True, slots=True)
class Offsets:
    """What is added to a logit.

    Attributes:
        by_number: by whether earlier stays are known and the number of known features, float32
            ``(2, len(FEATURES) + 1)``.
        by_group: for each group of the form of which nothing is known, float32 ``(len(GROUPS),)``.
    """

    by_number: NDArray[np.float32] = field(default_factory=lambda: np.zeros((2, len(FEATURES) + 1), np.float32))
    by_group: NDArray[np.float32] = field(default_factory=lambda: np.zeros(len(GROUPS), np.float32))

    def of(self, matrix: Matrix) -> Values:
        """The sum for each row of an encoded matrix, shape ``(rows,)``."""
        by_number = self.by_number[known_history(matrix).astype(np.int64), known_features(matrix)]
        found: Values = by_number + unknown_groups(matrix) @ self.by_group
        return found


@dataclass(frozen=True, slots=True)
class RiskModel:
    """A fitted model.

    Attributes:
        encoder: raw fields to numbers.
        estimator: numbers to risk.
        sums_logits: whether the trees sum up to a logit (boosting) or to a probability (forest).
        base: logit that the trees of boosting add to; 0 for a forest.
        offsets: added to the logit where a record tells little.
    """

    encoder: Encoder
    estimator: Any
    sums_logits: bool
    base: float
    offsets: Offsets

    def probabilities(self, inputs: Inputs) -> Values:
        """Probability of readmission within 30 days, shape ``(rows,)``."""
        matrix = self.encoder.transform(inputs)
        return _chance(_logits(self.estimator, self.base, matrix) + self.offsets.of(matrix))


def fit(family: str, parameters: Parameters, table: pd.DataFrame, jobs: int, *, masked: int | None = None) -> RiskModel:
    """Fit a model.

    Args:
        family: a key of :data:`FAMILIES`.
        parameters: settings of the estimator, over the family's defaults.
        table: training encounters with the columns of :data:`ml.schema.INPUTS`, patient and outcome.
        jobs: cores.
        masked: copies with hidden fields to practise on; by default the family's number. With 0 the model is good
            for comparing settings, and for complete records only.
    """
    chosen = FAMILIES[family]
    copies = chosen.masked if masked is None else masked
    inputs, labels = model_inputs(table), target(table)
    variants = [inputs, model_inputs(without_history(table))]
    variants += [apply_mask(inputs, random_mask(len(table), SEED + number)) for number in range(copies)]
    encoder = Encoder().fit(inputs, labels)
    practice = apply_mask(inputs, random_mask(len(table), SEED - 1))
    *matrices, unseen = encoder.cross_transform([*variants, practice], labels, patients(table))
    estimator = chosen.estimator({**chosen.defaults, **parameters}, jobs)
    weights = np.repeat([1.0, 1.0, *[chosen.mask_weight] * copies], len(table))
    estimator.fit(np.concatenate(matrices), np.tile(labels, len(variants)), sample_weight=weights)
    ordinary = int(np.quantile(known_features(matrices[0]), _ORDINARY))
    sums_logits = not isinstance(estimator, RandomForestClassifier)
    base = _base(estimator) if sums_logits else 0.0
    logits = _logits(estimator, base, unseen)
    offsets = _offsets(logits, unseen, float(labels.mean()), ordinary) if copies else Offsets()
    return RiskModel(encoder, estimator, sums_logits, base, offsets)


def known_features(matrix: Matrix) -> NDArray[np.int64]:
    """How many of the 47 features are known, for each row of an encoded matrix."""
    known: NDArray[np.int64] = (matrix[:, KNOWN_COLUMNS] >= 0).sum(axis=1)
    return known


def known_history(matrix: Matrix) -> NDArray[np.bool_]:
    """Whether anything is known of earlier stays, for each row of an encoded matrix."""
    return np.asarray(matrix[:, HISTORY_COLUMN] >= 0)


def unknown_groups(matrix: Matrix) -> NDArray[np.bool_]:
    """Of which groups of the form nothing is known, for each row; shape ``(rows, len(GROUPS))``."""
    known = matrix[:, KNOWN_COLUMNS] >= 0
    return np.asarray(known @ MEMBERS == 0)


def _offsets(logits: Values, matrix: Matrix, prevalence: float, ordinary: int) -> Offsets:
    """What brings the mean risk to the prevalence, however much is unknown, whichever groups are, and with history or
    without.

    What is hidden is drawn by lot, so the share of readmissions is the same behind every way of hiding; trees come
    short of it where they shrink. Records that know at least the `ordinary` number are left as they are, unless a whole
    group is unknown. It is a logistic regression on the ways of hiding with the logits as they are given
    and the prevalence as the outcome, solved by Newton's method.
    """
    known = known_features(matrix)
    edges = np.quantile(known, np.linspace(0, 1, _OFFSET_BINS + 1)[1:-1])
    numbers = np.arange(len(FEATURES) + 1)
    bins = np.searchsorted(edges, numbers, side="right")
    by_bin = np.eye(_OFFSET_BINS)[bins[known]] * (known < ordinary)[:, None]
    history = known_history(matrix)[:, None]
    ways = np.hstack([by_bin * ~history, by_bin * history, unknown_groups(matrix)])
    shift = np.zeros(ways.shape[1])
    for _ in range(_NEWTON_STEPS):
        chance = _chance(logits + ways @ shift)
        curvature = (ways * (chance * (1 - chance))[:, None]).T @ ways + _RIDGE * np.eye(len(shift))
        shift += np.linalg.solve(curvature, ways.T @ (prevalence - chance) - _RIDGE * shift)
    by_bins, by_group = np.split(shift, [2 * _OFFSET_BINS])
    by_number = np.where(numbers < ordinary, by_bins.reshape(2, _OFFSET_BINS)[:, bins], 0)
    return Offsets(by_number.astype(np.float32), by_group.astype(np.float32))


def _logits(estimator: Any, base: float, matrix: Matrix) -> Values:
    if isinstance(estimator, RandomForestClassifier):
        chance: Values = estimator.predict_proba(matrix)[:, 1]
        with np.errstate(divide="ignore"):
            return np.log(chance / (1 - chance))
    # The library sums in float32: few trees at a time, and from 0 on, that costs a fraction of the rounding error.
    logits = np.full(len(matrix), base)
    from_0 = {"output_margin": True, "base_margin": np.zeros(len(matrix))}
    count = estimator.get_booster().num_boosted_rounds()
    for start in range(0, count, _SUMMED_TREES):
        trees = (start, min(start + _SUMMED_TREES, count))
        logits += estimator.predict(matrix, **from_0, iteration_range=trees)
    return logits


def _base(estimator: XGBClassifier) -> float:
    """The logit of the average that boosting starts from."""
    settings = json.loads(estimator.get_booster().save_config())
    chance = float(np.ravel(json.loads(settings["learner"]["learner_model_param"]["base_score"]))[0])
    return float(np.log(chance / (1 - chance)))


def _chance(logits: Values) -> Values:
    answer: Values = 1 / (1 + np.exp(-logits))
    return answer


def _forest(parameters: Parameters, jobs: int) -> RandomForestClassifier:
    return RandomForestClassifier(**parameters, random_state=SEED, n_jobs=jobs)


def _boosting(parameters: Parameters, jobs: int) -> XGBClassifier:
    return XGBClassifier(
        **parameters,
        tree_method="hist",
        grow_policy="lossguide",
        max_depth=0,
        random_state=SEED,
        n_jobs=jobs,
    )


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

_FOREST: Final[Parameters] = {"min_samples_leaf": 40, "max_features": 0.3, "max_samples": 0.25}
_BOOSTING: Final[Parameters] = {
    "n_estimators": 850,
    "learning_rate": 0.03,
    "max_leaves": 31,
    "min_child_weight": 4.0,
    "colsample_bytree": 0.3,
    "reg_lambda": 10.0,
}

FAMILIES: Final[Mapping[str, Family]] = {
    RANDOM_FOREST: Family("RandomForest", {"n_estimators": 200, **_FOREST}, _forest, _suggest_forest, _FOREST, 2, 0.3),
    GRADIENT_BOOSTING: Family("XGBoost", _BOOSTING, _boosting, _suggest_boosting, _BOOSTING, 3, 2 / 3),
}
