"""Prediction and evaluation with a registered model version, through the code that serves it, in the sandbox."""

from collections.abc import Mapping, Sequence

import numpy as np
import sqlalchemy as sa

from ml.core.bundle import MANIFEST_FILE, sha256_of
from ml.core.sandbox.process import sandboxed
from ml.core.settings import MlSettings
from ml.evaluation.bootstrap import Interval, evaluate
from ml.evaluation.metrics import Values
from ml.features.records import to_records
from ml.features.tables import patients, target
from ml.registry.client import Registry
from ml.schema import Record
from ml.warehouse.datasets import read


def predict(registry: Registry, records: Sequence[Record], number: str | None = None) -> Values:
    """Probabilities of records by a version, by default production; shape ``(len(records),)``.

    Raises:
        BundleError: the bundle of the version is not valid.
        RegistryError: there is no such version, or MLflow cannot be reached.
    """
    return predict_with_digest(registry, records, registry.version_or_production(number).number)[0]


def predict_with_digest(registry: Registry, records: Sequence[Record], number: str) -> tuple[Values, str]:
    """Probabilities of records by a version, and the SHA-256 of the manifest of the files that made them.

    Raises:
        BundleError, RegistryError: as in :func:`predict`.
    """
    with registry.download(number) as directory, sandboxed(directory) as bundle:
        return bundle.predict(records).astype(np.float64), sha256_of(directory / MANIFEST_FILE)


def evaluate_version(
    settings: MlSettings, engine: sa.Engine, registry: Registry, number: str
) -> Mapping[str, Interval]:
    """Metrics of a version on the present test patients.

    Raises:
        BundleError, RegistryError: as in :func:`predict`.
        NoDataError: nothing has been ingested.
    """
    test = read(engine).test
    risks = predict(registry, to_records(test), number)
    return evaluate(target(test), risks, patients(test), settings.bootstrap_samples)
