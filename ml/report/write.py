"""Makes the report of a registered version, with the graph that is served, after the gate has decided."""

import logging

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ml.core.bundle import Manifest
from ml.core.errors import StaleInputError
from ml.core.sandbox.process import Sandbox, sandboxed
from ml.core.settings import MlSettings
from ml.evaluation.metrics import Values
from ml.features.tables import model_inputs
from ml.registry.client import ModelVersion, Registry
from ml.report.analysis.analyse import analyse, score_test_patients
from ml.report.card import description
from ml.report.findings import Provenance
from ml.report.storage import has_report, log_report
from ml.training.code_version import code_version
from ml.training.manifest import flat_metrics
from ml.training.reproduce import logged_parameters
from ml.warehouse.datasets import read

log = logging.getLogger(__name__)


def write_report(settings: MlSettings, engine: sa.Engine, registry: Registry, number: str) -> bool:
    """Analyse a version on the test patients, and log the report to its run; False if its run has one.

    Raises:
        StaleInputError: the train and test data, or the code, are not those of the version any more.
        BundleError: the bundle of the version is not valid.
        RegistryError, WarehouseError: a service cannot be reached, or there is no such version.
    """
    version = registry.version(number)
    if has_report(registry, version):
        log.info("Nothing new: version %s has its report", number)
        return False
    dataset = read(engine)
    present = {"data_version": dataset.version.data_version, "code_version": code_version()}
    if changed := [name for name, value in present.items() if version.tags.get(name) != value]:
        raise StaleInputError(
            f"Version {number} gets no report: its {changed[0].replace('_', ' ')} is not the present one any more. A "
            "version that is trained now gets one."
        )
    with registry.download(number) as directory, sandboxed(directory) as bundle:
        manifest = Manifest.read(directory)
        scored = score_test_patients(lambda table: _predict(bundle, table), dataset.train, dataset.test)
        provenance = _provenance(version, registry, dataset.version.source, manifest.trained_at, settings)
        metrics = {name: {str(end): value for end, value in ends.items()} for name, ends in manifest.metrics.items()}
        totals = dataset.version.train_rows, dataset.version.test_rows
        findings = analyse(scored, dataset.train, provenance, metrics, totals)
    registry.log_metrics(version.run_id, flat_metrics(findings.metrics))
    registry.describe(number, description(findings))
    log_report(registry, version.run_id, findings)
    return True


def _predict(bundle: Sandbox, table: pd.DataFrame) -> Values:
    inputs = model_inputs(table)
    return bundle.run({"texts": inputs.texts, "numbers": inputs.numbers}).astype(np.float64)


def _provenance(
    version: ModelVersion, registry: Registry, source: str, trained_at: str, settings: MlSettings
) -> Provenance:
    family, parameters = logged_parameters(version, registry.params(version.run_id))
    return Provenance(
        algorithm=version.tags["algorithm"],
        family=family,
        parameters=parameters,
        data_source=version.tags["data_source"],
        delivered_by=source,
        data_version=version.tags["data_version"],
        code_version=version.tags["code_version"],
        trained_at=trained_at,
        samples=settings.bootstrap_samples,
    )
