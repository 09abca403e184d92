"""Hyper-parameter search over the model families, with Optuna; the study lives in PostgreSQL.

Trials are independent: any number of workers, Airflow tasks among them, may each run some. A trial is scored by
patient-grouped cross-validation on training data only.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import optuna
import sqlalchemy as sa
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from ml.core.errors import NoDataError
from ml.core.settings import MlSettings
from ml.features.tables import patients, target, without_history
from ml.training.export import probabilities
from ml.training.models import FAMILIES, GRADIENT_BOOSTING, SEED, fit
from ml.training.train import code_version
from ml.warehouse.connection import transaction
from ml.warehouse.datasets import Dataset, current_version, read

log = logging.getLogger(__name__)

_SLOT: Final = "slot"
_PARAMETERS: Final = "parameters"


@dataclass(frozen=True, slots=True)
class Search:
    """A search: the name of its study, and the slots that its trials fill."""

    study: str
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Best:
    """The best trial so far: family, settings and cross-validated AUROC."""

    family: str
    parameters: Mapping[str, Any]
    auroc: float


def plan(settings: MlSettings, engine: sa.Engine) -> Search:
    """Create the study for the present data and code, or find it again.

    Raises:
        NoDataError: nothing has been ingested.
    """
    with transaction(engine) as connection:
        version = current_version(connection)
    name = f"{version.data_version[:12]}-{code_version()[:12]}-{settings.tune_folds}"
    optuna.create_study(study_name=name, storage=_storage(settings), direction="maximize", load_if_exists=True)
    log.info("Search %s: %s trials", name, settings.tune_trials)
    return Search(name, tuple(range(settings.tune_trials)))


def run_trial(settings: MlSettings, engine: sa.Engine, study_name: str, slot: int) -> float:
    """Fill a slot of the search with one trial; does nothing when it is filled.

    Returns:
        The cross-validated AUROC of the trial.
    """
    sampler = optuna.samplers.TPESampler(seed=SEED + slot, n_startup_trials=6, constant_liar=True)
    study = optuna.load_study(study_name=study_name, storage=_storage(settings), sampler=sampler)
    for done in study.get_trials(states=(TrialState.COMPLETE,)):
        if done.user_attrs.get(_SLOT) == slot and done.value is not None:
            log.info("Nothing new: trial %s was done before, AUROC %.4f", slot, done.value)
            return done.value
    if slot == 0:
        # Boosting at its defaults, so that the search is never worse than a sound first guess.
        study.enqueue_trial({"family": GRADIENT_BOOSTING, **FAMILIES[GRADIENT_BOOSTING].first_guess})
    dataset = read(engine)
    study.optimize(lambda trial: _objective(trial, settings, dataset, slot), n_trials=1)
    return next(t.value or 0.0 for t in reversed(study.get_trials()) if t.user_attrs.get(_SLOT) == slot)


def best(settings: MlSettings, study_name: str) -> Best:
    """The best trial of a study.

    Raises:
        NoDataError: no trial has been completed.
    """
    study = optuna.load_study(study_name=study_name, storage=_storage(settings))
    if not study.get_trials(states=(TrialState.COMPLETE,)):
        raise NoDataError(f"Search {study_name} has no completed trial: look at the logs of its trials.")
    trial = study.best_trial
    found = Best(trial.params["family"], trial.user_attrs[_PARAMETERS], study.best_value)
    log.info("Best of the search: %s, AUROC %.4f in cross-validation", FAMILIES[found.family].name, found.auroc)
    return found


def _objective(trial: optuna.Trial, settings: MlSettings, dataset: Dataset, slot: int) -> float:
    family = trial.suggest_categorical("family", list(FAMILIES))
    parameters = FAMILIES[family].suggest(trial)
    trial.set_user_attr(_SLOT, slot)
    trial.set_user_attr(_PARAMETERS, parameters)
    scores = list(cross_validated(settings, dataset, family, parameters))
    score = float(np.mean(scores))
    log.info("Trial %s: %s, AUROC %.4f ± %.4f", slot, FAMILIES[family].name, score, float(np.std(scores)))
    return score


def cross_validated(
    settings: MlSettings, dataset: Dataset, family: str, parameters: Mapping[str, Any]
) -> Iterator[float]:
    """Yield the AUROC of each fold; no patient is in two folds, and the test data are never touched.

    It is the mean of two: with earlier stays known, and without. The practice with hidden fields is left out here: it
    costs most of the time of a fit and does not tell settings apart.
    """
    table, groups = dataset.train, patients(dataset.train)
    folds = StratifiedGroupKFold(settings.tune_folds, shuffle=True, random_state=SEED)
    for fit_on, score_on in folds.split(table, target(table), groups):
        model = fit(family, parameters, table.iloc[fit_on], settings.train_jobs, masked=0)
        held_out = table.iloc[score_on]
        asked = (probabilities(model, variant) for variant in (held_out, without_history(held_out)))
        yield float(np.mean([roc_auc_score(target(held_out), risks) for risks in asked]))


def _storage(settings: MlSettings) -> RDBStorage:
    """Optuna's tables, in a schema of their own; it creates them at first use."""
    return RDBStorage(f"{settings.database_url}?options=-csearch_path%3Doptuna")
