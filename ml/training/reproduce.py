"""Training a version again from what it logged, and asking both for the same patients."""

import ast
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from ml.core.bundle import TOLERANCE, load_bundle
from ml.core.errors import ReproductionError
from ml.core.settings import MlSettings
from ml.evaluation.metrics import Values
from ml.features.records import to_records
from ml.registry.client import ModelVersion, Registry
from ml.training.export import probabilities
from ml.training.models import FAMILIES, fit
from ml.training.train import code_version, fingerprint_of
from ml.warehouse.connection import transaction
from ml.warehouse.datasets import Dataset, current_version, read

log = logging.getLogger(__name__)

_FAMILY: Final = "family"


@dataclass(frozen=True, slots=True)
class Reproduced:
    """Outcome: over how many test encounters the answers were compared, and the largest absolute difference."""

    version: str
    encounters: int
    difference: float


def reproduce(settings: MlSettings, engine: sa.Engine, registry: Registry, number: str) -> Reproduced:
    """Train a version again from its data version, code version and parameters, and compare the answers.

    Args:
        settings: of this service.
        engine: of the ``diabetes`` database, which has to hold the data version of the model.
        registry: holds the version.
        number: of the version.

    Raises:
        ReproductionError: the data or the code in place are others than the logged ones, the parameters are not
            those of the version, or an answer differs by more than 1e-6.
        BundleError: the bundle of the version is not sound.
        RegistryError, WarehouseError: a service cannot be reached, or there is no such version.
    """
    version = registry.version(number)
    with transaction(engine) as connection:
        _insist_on_the_same_origin(version, current_version(connection).data_version)
    family, parameters = _logged_parameters(version, registry.params(version.run_id))
    dataset = read(engine)
    _insist_on_the_same_origin(version, dataset.version.data_version)
    with registry.download(number) as directory:
        bundle = load_bundle(directory)
        log.info("Fitting %s again on %s encounters", FAMILIES[family].name, f"{len(dataset.train):,}")
        again = _answers_of_a_new_fit(settings, dataset, family, parameters)
        difference = float(np.max(np.abs(again - bundle.predict(to_records(dataset.test)))))
    if not difference <= TOLERANCE:
        raise ReproductionError(
            f"Version {number} is not reproduced: trained again on the same data, code and parameters, an answer "
            f"differs by {difference:.2g}, allowed are {TOLERANCE:.0e}."
        )
    return Reproduced(number, len(dataset.test), difference)


def _insist_on_the_same_origin(version: ModelVersion, data_version: str) -> None:
    logged = version.tags.get("data_version", "")
    if logged != data_version:
        raise ReproductionError(
            f"Version {version.number} was trained on data version {_short(logged)} and the database holds "
            f"{_short(data_version)}: ingest that delivery again, or name the database that has it."
        )
    code = version.tags.get("code_version", "")
    if code != code_version():
        raise ReproductionError(
            f"Version {version.number} was made by code version {_short(code)} and this is {_short(code_version())}: "
            "check out the code, and install the libraries, of the time it was trained."
        )


def _logged_parameters(version: ModelVersion, params: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Family and parameters of the run; MLflow keeps texts, and the fingerprint proves that they were read well."""
    parameters = {name: _value(text) for name, text in params.items() if name != _FAMILY}
    family = params.get(_FAMILY, "")
    fingerprint = fingerprint_of(version.tags["data_version"], family, parameters)
    if family not in FAMILIES or fingerprint != version.tags.get("fingerprint"):
        raise ReproductionError(
            f"The parameters that run {version.run_id} logged are not those version {version.number} was trained with: "
            "its fingerprint says so."
        )
    return family, parameters


def _value(text: str) -> Any:
    """A number, truth value, list and so on as it was before MLflow made a text of it."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _answers_of_a_new_fit(settings: MlSettings, dataset: Dataset, family: str, parameters: Mapping[str, Any]) -> Values:
    """Fit as :func:`ml.training.train.train` does; probabilities of the test encounters, shape ``(rows,)``."""
    return probabilities(fit(family, parameters, dataset.train, settings.train_jobs), dataset.test)


def _short(version: str) -> str:
    return version[:12] or "unknown"
