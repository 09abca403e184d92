"""Python clients, each in an environment of its own."""

import os
from pathlib import Path

import pytest

from tests.clients.conftest import KEY, Service
from tests.clients.environments import EXAMPLES, python_environment, run
from tests.clients.table import Table

EVERYTHING = ("file", "model", "outcome")
GENERATED = EXAMPLES / "generated_client.py"
CLIENTS = {
    "requests": ("requests_client.py", (), EVERYTHING),
    "MLflow's ScoringServerClient": ("mlflow_client.py", (), ("file",)),
    "tritonclient, JSON": ("triton_client.py", ("json",), ("model",)),
    "tritonclient, binary": ("triton_client.py", (), ("model",)),
    "KServe, JSON": ("kserve_client.py", ("json",), ("ready",)),
    "KServe, binary": ("kserve_client.py", (), ("ready",)),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_python_client_gets_the_same_answers(service: Service, table: Table, client: str) -> None:
    name, arguments, more = CLIENTS[client]
    python = python_environment(EXAMPLES / name) / "bin" / "python"

    printed = run([python, EXAMPLES / name, *arguments], API_URL=service.url)

    table.add(client, printed, service.risks, service.version, more)


@pytest.fixture(scope="module")
def generated(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the client that openapi-python-client generates from the document of a service without keys."""
    folder = tmp_path_factory.mktemp("generated") / "client"
    programs = python_environment(GENERATED) / "bin"
    # Its hooks format the code with the ruff that it installs.
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    generate = [programs / "openapi-python-client", "generate", "--url", f"{service.url}/openapi.json"]
    config = ["--config", EXAMPLES / "openapi-python-client.yaml", "--fail-on-warning", "--output-path", folder]
    run([*generate, *config], PATH=path)
    return folder


def test_the_client_of_openapi_python_client_gets_the_same_answers(
    service: Service, table: Table, generated: Path
) -> None:
    python = python_environment(GENERATED) / "bin" / "python"

    printed = run([python, GENERATED], API_URL=service.url, PYTHONPATH=str(generated))

    table.add("openapi-python-client", printed, service.risks, service.version, EVERYTHING)


def test_the_same_client_sends_the_key_of_another_service(service: Service, table: Table, generated: Path) -> None:
    python = python_environment(GENERATED) / "bin" / "python"

    printed = run([python, GENERATED], API_URL=service.guarded_url, PYTHONPATH=str(generated), API_KEY=KEY)

    table.add("openapi-python-client, key", printed, service.risks, service.version, EVERYTHING)


def test_the_client_of_openapi_python_client_is_importable_without_a_configuration(
    service: Service, tmp_path: Path
) -> None:
    programs = python_environment(GENERATED) / "bin"
    package = tmp_path / "c" / "readmission_risk_client"
    modules = "import importlib, pkgutil, readmission_risk_client as client\n"
    modules += "for module in pkgutil.walk_packages(client.__path__, 'readmission_risk_client.'):\n"
    modules += "    importlib.import_module(module.name)\n"

    run(
        [
            programs / "openapi-python-client",
            "generate",
            "--url",
            f"{service.url}/openapi.json",
            "--output-path",
            package.parent,
        ]
    )
    run([programs / "python", "-c", modules], PYTHONPATH=str(package.parent))

    assert {"predict.py", "predict_csv.py"} <= {file.name for file in (package / "api" / "prediction").iterdir()}
