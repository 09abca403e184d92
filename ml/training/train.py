"""Training: reads the data, fits, evaluates and exports a model, and registers it as a new version."""

import logging
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from ml.compute.connection import connected
from ml.compute.workers import THIS_PROCESS, Cluster, Workers
from ml.core.errors import BundleError, ClusterError
from ml.core.names import CHALLENGER
from ml.core.sandbox.process import sandboxed
from ml.core.settings import MlSettings
from ml.evaluation.bootstrap import Interval, evaluate
from ml.features.records import predict_table
from ml.registry.client import ModelVersion, Registry
from ml.report.analysis.analyse import score_test_patients
from ml.report.analysis.scored_test_set import ScoredTestSet
from ml.report.analysis.thresholds import threshold_table, weekly_encounters
from ml.report.card import first_description
from ml.report.formatting import with_interval
from ml.report.storage import log_thresholds
from ml.training.code_version import code_version, fingerprint
from ml.training.export import write_bundle
from ml.training.manifest import flat_metrics, manifest_fields
from ml.training.models import FAMILIES, RiskModel, fit
from ml.warehouse.connection import transaction
from ml.warehouse.datasets import Dataset, current_version, read

log = logging.getLogger(__name__)

DASK_WORKERS: Final = "dask_workers"
"""Tag: number of workers of a Dask cluster that fitted the model."""


@dataclass(frozen=True, slots=True)
class Trained:
    """Outcome of a training. ``new`` is False if a sound version of the same data, code and parameters exists."""

    version: str
    new: bool


def train(
    settings: MlSettings, engine: sa.Engine, registry: Registry, family: str, parameters: Mapping[str, Any]
) -> Trained:
    """Fit, evaluate, export and register a model, and set the alias ``challenger`` to it.

    ``parameters`` override the defaults of ``family``, a key of :data:`ml.training.models.FAMILIES`.

    Raises:
        NoDataError: nothing has been ingested.
        BundleError: the exported graph differs from the fitted model.
        ClusterError: the Dask cluster of ``DASK_SCHEDULER`` is away, or was lost.
        RegistryError, WarehouseError: a service cannot be reached.
    """
    parameters = {**FAMILIES[family].defaults, **parameters}
    existing = known_version(engine, registry, family, parameters)
    if existing is not None:
        log.info("Nothing new: version %s has this data, code and settings", existing.number)
        challenger = registry.version_by_alias(CHALLENGER)
        if challenger is None or int(challenger.number) < int(existing.number):  # interrupted after the registration
            registry.set_alias(CHALLENGER, existing.number)
        return Trained(existing.number, new=False)
    dataset = read(engine)
    with connected(settings, code_version) if len(dataset.parts) > 1 else nullcontext(THIS_PROCESS) as available:
        log.info("Fitting %s on %s encounters", FAMILIES[family].name, f"{dataset.version.train_rows:,}")
        model = fit(family, parameters, dataset.parts, settings.train_jobs, workers=available)
        version = _register(settings, registry, model, dataset, family, parameters, available)
    registry.set_alias(CHALLENGER, version.number)
    log.info("Registered version %s as %s", version.number, CHALLENGER)
    return Trained(version.number, new=True)


def known_version(
    engine: sa.Engine, registry: Registry, family: str, parameters: Mapping[str, Any]
) -> ModelVersion | None:
    """The newest version of the present data, the code and these parameters whose files in MLflow are sound.

    Raises:
        NoDataError, RegistryError, WarehouseError: as in :func:`train`.
    """
    parameters = {**FAMILIES[family].defaults, **parameters}
    with transaction(engine) as connection:
        data_version = current_version(connection).data_version
    for version in registry.find_by_fingerprint(fingerprint(data_version, family, parameters)):
        try:
            with registry.download(version.number) as directory, sandboxed(directory):
                pass
        except BundleError as error:
            log.warning("Version %s does not count, because its files are not sound: %s", version.number, error)
        else:
            return version
    return None


def _metrics(scored: ScoredTestSet, samples: int, available: Workers) -> dict[str, Interval]:
    """Evaluate on the cluster; without it, if it is lost after the fit."""
    given = (scored.labels, scored.probabilities, scored.patients, samples)
    try:
        return evaluate(*given, workers=available)
    except ClusterError as error:
        log.warning("Evaluating in this process. %s", error)
        return evaluate(*given)


def _register(
    settings: MlSettings,
    registry: Registry,
    model: RiskModel,
    dataset: Dataset,
    family: str,
    parameters: Mapping[str, Any],
    available: Workers,
) -> ModelVersion:
    log.info("Evaluating on %s test encounters", f"{len(dataset.test):,}")
    data, samples = dataset.version, settings.bootstrap_samples
    scored = score_test_patients(model.predict, dataset.train, dataset.test)
    metrics = _metrics(scored, samples, available)
    log.info("%s", ", ".join(f"{name} {with_interval(value)}" for name, value in metrics.items()))
    tags = {
        "data_source": data.provenance,
        "data_version": data.data_version,
        "algorithm": FAMILIES[family].name,
        "code_version": code_version(),
        "fingerprint": fingerprint(data.data_version, family, parameters),
        **({DASK_WORKERS: str(len(available.names()))} if isinstance(available, Cluster) else {}),
    }
    with registry.run(f"{family}-{data.data_version[:8]}", tags), tempfile.TemporaryDirectory() as scratch:
        for context, table in (("train", dataset.train), ("test", dataset.test)):
            registry.log_dataset(table, context, data.source, data.data_version)
        log.info("Exporting to ONNX and comparing the graph with the model")
        manifest = manifest_fields(model, dataset.train, dataset.test, metrics, tags)
        bundle = write_bundle(model, dataset.test, manifest, Path(scratch))
        registry.log_results({"family": family, **parameters}, flat_metrics(metrics))
        per_week = weekly_encounters(data.train_rows + data.test_rows, data.source)
        log_thresholds(
            registry, threshold_table(scored, predict_table(bundle.predict, dataset.test), samples, per_week)
        )
        return registry.register(Path(scratch), tags, first_description(tags["algorithm"], tags["data_source"]))
