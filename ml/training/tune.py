"""Hyper-parameter search over the model families with Optuna; the study is stored in PostgreSQL.

Trials are independent, so several workers, such as Airflow tasks, can run them at the same time.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import optuna
import sqlalchemy as sa
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from ml.compute.connection import connected
from ml.compute.workers import Cluster
from ml.core.errors import NoDataError, StaleInputError
from ml.core.settings import MlSettings
from ml.features.tables import patients, target, without_history
from ml.registry.client import Registry
from ml.training.code_version import code_version
from ml.training.models import FAMILIES, GRADIENT_BOOSTING, fit
from ml.training.rows import SEED
from ml.training.train import known_version
from ml.warehouse.connection import locked, transaction, warehouse
from ml.warehouse.datasets import Dataset, current_version, read

log = logging.getLogger(__name__)

TRIAL_PRIORITY: Final = -10
"""On a cluster, trials wait for trainings."""


@dataclass(frozen=True, slots=True)
class Search:
    """Name of a study, and one slot for each of its trials."""

    study: str
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Best:
    """Family, parameters and cross-validated AUROC of the best trial."""

    family: str
    parameters: Mapping[str, Any]
    auroc: float


def plan(settings: MlSettings, engine: sa.Engine) -> Search:
    """Create the study of the present data and code, unless it exists.

    Raises:
        NoDataError: nothing has been ingested.
    """
    with transaction(engine) as connection:
        version = current_version(connection)
    name = _study_name(settings, version.data_version)
    optuna.create_study(study_name=name, storage=storage(settings), direction="maximize", load_if_exists=True)
    log.info("Search %s: %s trials", name, settings.tune_trials)
    return Search(name, tuple(range(settings.tune_trials)))


def run_trial(settings: MlSettings, engine: sa.Engine, study_name: str, slot: int) -> float:
    """Run the trial of a slot, unless it is complete, and return its cross-validated AUROC.

    A second call for the slot waits for the first one: a cluster may compute an item twice.

    Raises:
        StaleInputError: the study is of other data, code or folds than the present ones.
    """
    with locked(engine, f"{study_name}/{slot}"):
        return _run_trial(settings, engine, study_name, slot)


def _run_trial(settings: MlSettings, engine: sa.Engine, study_name: str, slot: int) -> float:
    sampler = optuna.samplers.TPESampler(seed=SEED + slot, n_startup_trials=6, constant_liar=True)
    study = optuna.load_study(study_name=study_name, storage=storage(settings), sampler=sampler)
    if (score := _score(study, slot)) is not None:
        log.info("Nothing new: trial %s is complete, AUROC %.4f", slot, score)
        return score
    dataset = read(engine)
    if study_name != _study_name(settings, dataset.version.data_version):
        raise StaleInputError(
            f"Search {study_name} is of other data, code or folds than the present ones: clear plan_search with the "
            "tasks after it, or start a new run of auto_model_train_diabetes."
        )
    if slot == 0:
        # The first trial has the default parameters, so the result of a search is never worse than they are.
        study.enqueue_trial({"family": GRADIENT_BOOSTING, **FAMILIES[GRADIENT_BOOSTING].defaults})
    study.optimize(lambda trial: _objective(trial, settings, dataset, slot), n_trials=1)
    return _score(study, slot) or 0.0


def run_trials(settings: MlSettings, engine: sa.Engine, study_name: str, slots: Sequence[int]) -> Iterator[float]:
    """Run the trials of slots, all at once on a Dask cluster; yields as :func:`run_trial` returns.

    Raises:
        ClusterError: the Dask cluster of ``DASK_SCHEDULER`` is away, or was lost.
        StaleInputError: as in :func:`run_trial`.
    """
    with connected(settings, code_version, TRIAL_PRIORITY) as available:
        if isinstance(available, Cluster):
            yield from available.map(_run_on_worker, (study_name, settings.tune_folds), slots)
        else:
            yield from (run_trial(settings, engine, study_name, slot) for slot in slots)


def _run_on_worker(study_name_and_folds: tuple[str, int], slot: int) -> float:
    study_name, folds = study_name_and_folds
    settings = MlSettings.load(tune_folds=folds)
    with warehouse(settings) as engine:
        return run_trial(settings, engine, study_name, slot)


def best(settings: MlSettings, study_name: str) -> Best:
    """The best trial of a study.

    Raises:
        NoDataError: no trial is complete.
    """
    study = optuna.load_study(study_name=study_name, storage=storage(settings))
    if not study.get_trials(states=(TrialState.COMPLETE,)):
        raise NoDataError(f"Search {study_name} has no completed trial: look at the logs of its trials.")
    trial = study.best_trial
    found = Best(trial.params["family"], trial.user_attrs["parameters"], study.best_value)
    log.info("Best of the search: %s, AUROC %.4f in cross-validation", FAMILIES[found.family].name, found.auroc)
    return found


def known_result(settings: MlSettings, engine: sa.Engine, registry: Registry) -> str | None:
    """The version that a search on the present data and code would end with again; None if there is work to do.

    Raises:
        NoDataError: nothing has been ingested.
        RegistryError, WarehouseError: a service cannot be reached.
    """
    search = plan(settings, engine)
    study = optuna.load_study(study_name=search.study, storage=storage(settings))
    if any(_score(study, slot) is None for slot in search.slots):
        return None
    trial = best(settings, search.study)
    version = known_version(engine, registry, trial.family, trial.parameters)
    return version.number if version else None


def cross_validated(
    settings: MlSettings, dataset: Dataset, family: str, parameters: Mapping[str, Any]
) -> Iterator[float]:
    """Yield the AUROC of each fold of the training data, as the mean with and without history.

    Of many training encounters, a sample decides. All encounters of a patient are in one fold. Masked copies are left
    out: they take most of the time of a fit and do not change the order of parameters.
    """
    table, groups = dataset.train, patients(dataset.train)
    folds = StratifiedGroupKFold(settings.tune_folds, shuffle=True, random_state=SEED)
    for fit_rows, score_rows in folds.split(table, target(table), groups):
        model = fit(family, parameters, table.iloc[fit_rows], settings.train_jobs, masked=0)
        held_out = table.iloc[score_rows]
        variants = (held_out, without_history(held_out))
        yield float(np.mean([roc_auc_score(target(held_out), model.predict(variant)) for variant in variants]))


def _objective(trial: optuna.Trial, settings: MlSettings, dataset: Dataset, slot: int) -> float:
    family = trial.suggest_categorical("family", list(FAMILIES))
    parameters = FAMILIES[family].suggest(trial)
    trial.set_user_attr("slot", slot)
    trial.set_user_attr("parameters", parameters)
    scores = list(cross_validated(settings, dataset, family, parameters))
    score = float(np.mean(scores))
    log.info("Trial %s: %s, AUROC %.4f ± %.4f", slot, FAMILIES[family].name, score, float(np.std(scores)))
    return score


def _study_name(settings: MlSettings, data_version: str) -> str:
    return f"{data_version[:12]}-{code_version()[:12]}-{settings.tune_folds}"


def _score(study: optuna.Study, slot: int) -> float | None:
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    return next((trial.value for trial in complete if trial.user_attrs.get("slot") == slot), None)


def storage(settings: MlSettings) -> RDBStorage:
    """The studies in the ``diabetes`` database."""
    return RDBStorage(f"{settings.database_url}?options=-csearch_path%3Doptuna")
