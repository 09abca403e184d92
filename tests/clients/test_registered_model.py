"""The registered model with MLflow's own programs: pyfunc in a notebook's environment, and ``mlflow models serve``."""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.local.supervision.probes import free_port, http_probe
from ml.core.names import MODEL_NAME, PRODUCTION
from ml.core.settings import MlflowSettings
from ml.registry.client import Registry
from tests.clients.conftest import Service
from tests.clients.environments import EXAMPLES, python_environment, run
from tests.clients.table import Table
from tests.integration.ml.registries import empty, register_bundle

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
    folder, port = tmp_path_factory.mktemp("serve"), free_port()
    programs = python_environment(PROGRAM) / "bin"
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"  # of uvicorn
    command = [programs / "mlflow", "models", "serve", "--model-uri", f"models:/{MODEL_NAME}@{PRODUCTION}"]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"PATH": path, "MLFLOW_TRACKING_URI": registered.address}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            is_ready, started = http_probe(f"http://127.0.0.1:{port}/ping"), time.monotonic()
            while not is_ready(started):
                assert process.poll() is None, (folder / "log").read_text()[-3000:]
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


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
