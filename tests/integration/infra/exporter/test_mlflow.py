"""Metrics that the exporter reads from a real MLflow server."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.exporter.client import BudgetedClient
from infra.exporter.metrics import Metrics
from infra.exporter.mlflow import MlflowReader
from tests.integration.infra.exporter.conftest import UNREACHABLE


@pytest.fixture
def model_name() -> str:
    """Name of a model that no other test uses."""
    return f"exporter-{uuid.uuid4().hex}"


@pytest.fixture
def reader(mlflow_server: str, model_name: str) -> Iterator[MlflowReader]:
    client = BudgetedClient(mlflow_server, 10)
    yield MlflowReader(client, model_name)
    client.close()


def _samples(metrics: Metrics) -> dict[str, float]:
    samples = [sample for family in metrics.families() for sample in family.samples]
    return {"_".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}


def _read(reader: MlflowReader) -> dict[str, float]:
    metrics = Metrics()
    reader.read(metrics)
    return _samples(metrics)


def _post(server: str, path: str, **body: str) -> Any:
    response = httpx.post(f"{server}/api/2.0/mlflow/{path}", json=body, timeout=30)
    assert response.is_success, response.text
    return response.json()


def _register(server: str, name: str) -> None:
    """Register a version; its source must be an artifact of an existing run."""
    run = _post(server, "runs/create", experiment_id="0")["run"]["info"]
    _post(server, "model-versions/create", name=name, source=f"{run['artifact_uri']}/model", run_id=run["run_id"])


def test_without_a_registered_model_mlflow_is_up(reader: MlflowReader) -> None:
    values = _read(reader)
    assert values.pop("mlflow_probe_duration_seconds") > 0
    assert values == {"mlflow_up": 1, "mlflow_model_versions": 0}


def test_versions_and_aliases_follow_the_registry(reader: MlflowReader, mlflow_server: str, model_name: str) -> None:
    alias = "mlflow_registered_model_version_"
    _post(mlflow_server, "registered-models/create", name=model_name)
    _register(mlflow_server, model_name)
    _post(mlflow_server, "registered-models/alias", name=model_name, alias="production", version="1")
    first = _read(reader)
    assert (first["mlflow_model_versions"], first[f"{alias}production"]) == (1, 1)
    _register(mlflow_server, model_name)
    _post(mlflow_server, "registered-models/alias", name=model_name, alias="production", version="2")
    _post(mlflow_server, "registered-models/alias", name=model_name, alias="challenger", version="1")
    second = _read(reader)
    assert second["mlflow_model_versions"] == 2
    assert (second[f"{alias}production"], second[f"{alias}challenger"]) == (2, 1)


@pytest.mark.parametrize("url", ["{server}/elsewhere", UNREACHABLE], ids=["another server", "no server"])
def test_without_mlflow_it_is_not_up(url: str, mlflow_server: str) -> None:
    client, metrics = BudgetedClient(url.format(server=mlflow_server), 10), Metrics()
    with pytest.raises(httpx.HTTPError):
        MlflowReader(client).read(metrics)
    client.close()
    values = _samples(metrics)
    assert values.pop("mlflow_probe_duration_seconds") > 0
    assert values == {"mlflow_up": 0}
