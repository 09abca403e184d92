"""The model families: a name leads to an unfitted pipeline and to the space its settings are searched in.

Each pipeline goes from raw fields to a probability. None weights or resamples the classes: that would buy
nothing in ranking and ruin calibration.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import optuna
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from ml.schema import FEATURES, Column, Kind, Missing

Parameters = Mapping[str, Any]

SEED: Final = 296
_UNKNOWN_RANK: Final = -1
_RANK: Final[Mapping[str, Any]] = {
    "handle_unknown": "use_encoded_value",
    "unknown_value": _UNKNOWN_RANK,
    "dtype": "float32",
}


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of model: its display name, default settings, estimator and search space.

    ``first_guess`` says the defaults in the names of the search space.
    """

    name: str
    defaults: Parameters
    estimator: Callable[[Parameters, int], Any]
    suggest: Callable[[optuna.Trial], dict[str, Any]]
    first_guess: Parameters


def build(family: str, parameters: Parameters, jobs: int) -> Pipeline:
    """An unfitted pipeline.

    Args:
        family: a key of :data:`FAMILIES`.
        parameters: settings of the estimator, over the family's defaults.
        jobs: cores for fitting.
    """
    chosen = FAMILIES[family]
    estimator = chosen.estimator({**chosen.defaults, **parameters}, jobs)
    return Pipeline([("encode", _encoder()), ("model", estimator)])


def _encoder() -> ColumnTransformer:
    """Texts to ranks; what a request leaves out to what it most likely is, or to "unknown" where patients have that.

    Categories stand in the order of the schema, so that age bands and doses are ordered; ICD-9 codes stand in
    the order of the code book, in which neighbours are related. A value that training never lacked is taken for
    its commonest, a count for its mean: a code of its own would be extrapolation, and a confident falsehood.
    With means, the average risk of records that tell little stays at the average of the cohort.
    """
    categories = [c for c in FEATURES if c.kind is Kind.CATEGORY]
    lacked = [c for c in categories if c.missing is Missing.UNKNOWN]
    never_lacked = [c for c in categories if c.missing is not Missing.UNKNOWN]
    commonest = SimpleImputer(missing_values=float(_UNKNOWN_RANK), strategy="most_frequent")
    return ColumnTransformer(
        [
            ("lacked", _ranks(lacked), _inputs(lacked)),
            ("never_lacked", make_pipeline(_ranks(never_lacked), commonest), _inputs(never_lacked)),
            ("diagnoses", OrdinalEncoder(**_RANK), _inputs([c for c in FEATURES if c.kind is Kind.ICD9])),
            ("codes", SimpleImputer(strategy="most_frequent"), _inputs([c for c in FEATURES if c.kind is Kind.CODE])),
            ("counts", SimpleImputer(strategy="mean"), _inputs([c for c in FEATURES if c.kind is Kind.COUNT])),
        ]
    )


def _ranks(columns: list[Column]) -> OrdinalEncoder:
    return OrdinalEncoder(categories=[list(c.allowed) for c in columns], **_RANK)


def _inputs(columns: list[Column]) -> list[str]:
    return [c.input_name for c in columns]


def _forest(parameters: Parameters, jobs: int) -> RandomForestClassifier:
    return RandomForestClassifier(**parameters, random_state=SEED, n_jobs=jobs)


def _boosting(parameters: Parameters, _jobs: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(**parameters, early_stopping=False, random_state=SEED)


def _suggest_forest(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "n_estimators": 200,
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 8, 60, log=True),
        "max_features": trial.suggest_float("max_features", 0.1, 0.5),
        "max_samples": trial.suggest_float("max_samples", 0.4, 1.0),
    }


def _suggest_boosting(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "max_iter": trial.suggest_int("max_iter", 80, 400, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.12, log=True),
        "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 8, 48, log=True),
        "min_samples_leaf": trial.suggest_int("boosting_min_samples_leaf", 20, 300, log=True),
        "l2_regularization": trial.suggest_float("l2_regularization", 1e-3, 30, log=True),
        "max_features": trial.suggest_float("boosting_max_features", 0.2, 1.0),
    }


RANDOM_FOREST: Final = "random_forest"
GRADIENT_BOOSTING: Final = "gradient_boosting"

FAMILIES: Final[Mapping[str, Family]] = {
    RANDOM_FOREST: Family(
        "RandomForest",
        {"n_estimators": 200, "min_samples_leaf": 20, "max_features": 0.3},
        _forest,
        _suggest_forest,
        {"min_samples_leaf": 20, "max_features": 0.3, "max_samples": 1.0},
    ),
    GRADIENT_BOOSTING: Family(
        "HistGradientBoosting",
        {"max_iter": 200, "learning_rate": 0.05, "max_leaf_nodes": 16, "min_samples_leaf": 100},
        _boosting,
        _suggest_boosting,
        {
            "max_iter": 200,
            "learning_rate": 0.05,
            "max_leaf_nodes": 16,
            "boosting_min_samples_leaf": 100,
            "l2_regularization": 1e-3,
            "boosting_max_features": 1.0,
        },
    ),
}
