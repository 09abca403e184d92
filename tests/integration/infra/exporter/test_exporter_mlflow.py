"""The exporter against a real MLflow server."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.exporter.client import BudgetedClient
from infra.exporter.mlflow import MlflowReader
from tests.integration.infra.exporter.conftest import NOBODY


@pytest.fixture
def reader(mlflow_server: str) -> Iterator[MlflowReader]:
    """A reader of a model that nobody else's test has."""
    each = MlflowReader(BudgetedClient(mlflow_server, 10), model_name=f"exporter-{uuid.uuid4().hex}")
    yield each
    each.close()


def _post(server: str, path: str, **body: str) -> Any:
    response = httpx.post(f"{server}/api/2.0/mlflow/{path}", json=body, timeout=30)
    assert response.is_success, response.text
    return response.json()


def _register(server: str, name: str) -> None:
    """A new version; its source must be an artifact of a run that exists."""
    run = _post(server, "runs/create", experiment_id="0")["run"]["info"]
    _post(server, "model-versions/create", name=name, source=f"{run['artifact_uri']}/model", run_id=run["run_id"])


def test_no_model_yet_is_an_answer_of_the_database(reader: MlflowReader) -> None:
    reading = reader.read()
    assert reading.up
    assert reading.error is None
    assert reading.aliases == {}
    assert reading.versions == 0
    assert reading.seconds > 0


def test_versions_and_aliases_follow_the_registry(reader: MlflowReader, mlflow_server: str) -> None:
    name = reader._name
    _post(mlflow_server, "registered-models/create", name=name)
    _register(mlflow_server, name)
    _post(mlflow_server, "registered-models/alias", name=name, alias="production", version="1")
    first = reader.read()
    assert (first.versions, first.aliases) == (1, {"production": 1})
    _register(mlflow_server, name)
    _post(mlflow_server, "registered-models/alias", name=name, alias="production", version="2")
    _post(mlflow_server, "registered-models/alias", name=name, alias="challenger", version="1")
    second = reader.read()
    assert (second.versions, second.aliases) == (2, {"production": 2, "challenger": 1})


def test_a_page_that_is_not_mlflows_is_not_up(mlflow_server: str) -> None:
    reader = MlflowReader(BudgetedClient(f"{mlflow_server}/elsewhere", 10))
    reading = reader.read()
    reader.close()
    assert not reading.up
    assert reading.error is not None


def test_a_server_that_is_away_is_not_up() -> None:
    reader = MlflowReader(BudgetedClient(NOBODY, 1))
    reading = reader.read()
    reader.close()
    assert not reading.up
    assert reading.error is not None
    assert reading.versions is None
