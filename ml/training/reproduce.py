"""Reproduction: trains a registered version again from its logged origin and compares the predictions."""

import ast
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from ml.core.bundle import TOLERANCE
from ml.core.errors import ReproductionError
from ml.core.sandbox.process import sandboxed
from ml.core.settings import MlSettings
from ml.features.records import predict_table
from ml.registry.client import ModelVersion, Registry
from ml.training.code_version import code_version, fingerprint
from ml.training.models import FAMILIES, GRADIENT_BOOSTING, fit
from ml.training.train import DASK_WORKERS
from ml.warehouse.datasets import read

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reproduced:
    """Outcome: number of compared test encounters, and the largest absolute difference of the probabilities."""

    encounters: int
    difference: float


def reproduce(settings: MlSettings, engine: sa.Engine, registry: Registry, number: str) -> Reproduced:
    """Train a version again with its data, code and parameters, and compare the predictions for the test patients.

    Raises:
        ReproductionError: data or code in place are not the logged ones, the logged parameters do not match the
            fingerprint, or a probability differs by more than 1e-6.
        BundleError: the bundle of the version is not valid.
        RegistryError, WarehouseError: a service cannot be reached, or there is no such version.
    """
    version = registry.version(number)
    dataset = read(engine)
    _validate_origin(version, dataset.version.data_version)
    family, parameters = logged_parameters(version, registry.params(version.run_id))
    with registry.download(number) as directory, sandboxed(directory) as bundle:
        logged = predict_table(bundle.predict, dataset.test)
    log.info("Fitting %s again on %s encounters", FAMILIES[family].name, f"{dataset.version.train_rows:,}")
    again = fit(family, parameters, dataset.parts, settings.train_jobs).predict(dataset.test)
    difference = float(np.max(np.abs(again - logged)))
    if not difference <= TOLERANCE:
        raise ReproductionError(
            f"Version {number} is not reproduced: trained again on the same data, code and parameters, a probability "
            f"differs by {difference:.2g}, allowed are {TOLERANCE:.0e}."
        )
    return Reproduced(len(dataset.test), difference)


def _validate_origin(version: ModelVersion, data_version: str) -> None:
    workers, boosted = version.tags.get(DASK_WORKERS), FAMILIES[GRADIENT_BOOSTING].name
    if workers and version.tags.get("algorithm") == boosted:
        raise ReproductionError(
            f"Version {version.number} was boosted on {workers} workers of a Dask cluster: other trees come of another "
            "placement of the data on workers, so it cannot be reproduced."
        )
    logged = version.tags.get("data_version", "")
    if logged != data_version:
        raise ReproductionError(
            f"Version {version.number} was trained on data version {_short(logged)} and the database holds "
            f"{_short(data_version)}: ingest that delivery again, or use the database that has it."
        )
    code = version.tags.get("code_version", "")
    if code != code_version():
        raise ReproductionError(
            f"Version {version.number} was trained with code version {_short(code)} and this is "
            f"{_short(code_version())}: check out the code, and install the libraries, of its training."
        )


def logged_parameters(version: ModelVersion, params: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Family and parameters of the run, parsed from text and checked against the fingerprint.

    Raises:
        ReproductionError: they are not those of the fingerprint.
    """
    parameters = {name: _parse(text) for name, text in params.items() if name != "family"}
    family = params.get("family", "")
    expected = version.tags.get("fingerprint")
    if family not in FAMILIES or fingerprint(version.tags["data_version"], family, parameters) != expected:
        raise ReproductionError(
            f"The parameters that run {version.run_id} logged do not match the fingerprint of version {version.number}."
        )
    return family, parameters


def _parse(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _short(version: str) -> str:
    return version[:12] or "unknown"
