"""The registered model with MLflow's own programs: pyfunc in a notebook's environment, and ``mlflow models serve``."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ml.core.names import PRODUCTION
from ml.core.settings import MlflowSettings
from ml.registry.client import Registry
from tests.clients.conftest import Service
from tests.clients.environments import EXAMPLES, python_environment, run
from tests.clients.table import Table
from tests.integration.ml.registries import empty, register_bundle
from tests.support.mlflow import running_model

PROGRAM = EXAMPLES / "mlflow_model.py"


@dataclass(frozen=True)
class Registered:
    """A server with the service's model in production."""

    address: str
    version: str


@pytest.fixture(scope="module")
def registered(service: Service, mlflow_server: str) -> Iterator[Registered]:
    empty(mlflow_server)
    registry = Registry(MlflowSettings.load(_env_file=None, mlflow_tracking_uri=mlflow_server))
    version = register_bundle(registry, service.bundle).number
    registry.set_alias(PRODUCTION, version)
    yield Registered(mlflow_server, version)
    empty(mlflow_server)


@pytest.fixture(scope="module")
def served(registered: Registered, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of ``mlflow models serve``."""
    programs = python_environment(PROGRAM) / "bin"
    with running_model(programs, registered.address, tmp_path_factory.mktemp("serve")) as address:
        yield address


def test_the_model_of_the_registry_predicts_as_the_service(
    service: Service, registered: Registered, table: Table, tmp_path: Path
) -> None:
    python = python_environment(PROGRAM) / "bin" / "python"

    printed = run([python, PROGRAM], tmp_path, MLFLOW_TRACKING_URI=registered.address)

    table.add("mlflow.pyfunc", printed, service.risks, registered.version, ("file",))


def test_mlflow_models_serve_answers_its_client_as_the_service_does(
    service: Service, registered: Registered, served: str, table: Table
) -> None:
    client = EXAMPLES / "mlflow_client.py"

    printed = run([python_environment(client) / "bin" / "python", client], API_URL=served)

    table.add("mlflow models serve", printed, service.risks, registered.version, ("file",))
