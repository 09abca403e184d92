"""The client on a real MLflow: deleted experiments and runs, refusals, and a server that is away."""

from collections.abc import Iterator

import mlflow
import pytest
from mlflow import MlflowClient

from infra.local.supervision.probes import free_port
from ml.core.errors import RegistryError, RegistryRefusalError
from ml.core.names import MODEL_NAME
from ml.core.settings import MlflowSettings
from ml.registry.client import Registry


@pytest.fixture
def registry(mlflow_server: str) -> Iterator[Registry]:
    yield registry_at(mlflow_server)
    mlflow.set_tracking_uri(None)


def registry_at(address: str) -> Registry:
    return Registry(MlflowSettings.load(_env_file=None, mlflow_tracking_uri=address), {"started_by": "a test"})


def test_a_deleted_experiment_is_restored_with_its_runs(
    registry: Registry, mlflow_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = MlflowClient(mlflow_server)
    with registry.run("before", {}) as before:
        pass
    client.delete_experiment(client.get_experiment_by_name(MODEL_NAME).experiment_id)
    with registry.run("after", {}) as after:
        pass

    assert client.get_experiment_by_name(MODEL_NAME).lifecycle_stage == "active"
    assert {client.get_run(run).info.lifecycle_stage for run in (before, after)} == {"active"}
    assert f"experiment {MODEL_NAME} was deleted" in caplog.text


def test_a_run_gets_the_tags_of_the_registry_and_its_own(registry: Registry, mlflow_server: str) -> None:
    with registry.run("tagged", {"own": "1"}) as run:
        pass
    tags = MlflowClient(mlflow_server).get_run(run).data.tags
    assert (tags["started_by"], tags["own"]) == ("a test", "1")


def test_parameters_and_texts_of_a_deleted_run_are_still_read(registry: Registry, mlflow_server: str) -> None:
    with registry.run("deleted", {}) as run:
        registry.log_results({"family": "forest"}, {})
        registry.log_text("{}", "report.json")
    MlflowClient(mlflow_server).delete_run(run)

    assert registry.params(run) == {"family": "forest"}
    assert registry.run_text(run, "report.json") == "{}"


def test_a_missing_version_is_a_refusal(registry: Registry) -> None:
    with pytest.raises(RegistryRefusalError, match="not found"):
        registry.version("999")


def test_a_server_that_is_away_is_no_refusal(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RegistryError, match="does not answer") as reported:
        registry_at(f"http://127.0.0.1:{free_port()}").version("1")
    assert not isinstance(reported.value, RegistryRefusalError)
