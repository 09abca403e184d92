"""Prediction and evaluation with a registered model version, through the code that serves it, in the sandbox."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ml.core.bundle import MANIFEST_FILE, sha256_of
from ml.core.sandbox.process import sandboxed
from ml.core.settings import MlSettings
from ml.evaluation.bootstrap import Interval, evaluate
from ml.evaluation.metrics import Values
from ml.features.records import predict_table
from ml.features.tables import patients, target
from ml.registry.client import Registry
from ml.warehouse.datasets import read


def predict(registry: Registry, table: pd.DataFrame, number: str | None = None) -> Values:
    """Probabilities of encounters by a version, by default production; shape ``(rows,)``.

    Raises:
        BundleError: the bundle of the version is not valid.
        RegistryError: there is no such version, or MLflow cannot be reached.
    """
    return predict_with_digest(registry, table, registry.version_or_production(number).number)[0]


def predict_with_digest(registry: Registry, table: pd.DataFrame, number: str) -> tuple[Values, str]:
    """Probabilities of encounters by a version, and the SHA-256 of the manifest of the files that made them.

    Raises:
        BundleError, RegistryError: as in :func:`predict`.
    """
    with registry.download(number) as directory, sandboxed(directory) as bundle:
        return predict_table(bundle.predict, table).astype(np.float64), sha256_of(directory / MANIFEST_FILE)


def evaluate_version(
    settings: MlSettings, engine: sa.Engine, registry: Registry, number: str
) -> Mapping[str, Interval]:
    """Metrics of a version on the present test patients.

    Raises:
        BundleError, RegistryError: as in :func:`predict`.
        NoDataError: nothing has been ingested.
    """
    test = read(engine).test
    risks = predict(registry, test, number)
    return evaluate(target(test), risks, patients(test), settings.bootstrap_samples)
