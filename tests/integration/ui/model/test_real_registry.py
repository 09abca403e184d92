"""The registry client against a real MLflow server, from empty to a production version."""

import secrets

import httpx
import mlflow as library
import pytest

from ml.core.names import PRODUCTION
from ui.clients.api_models import Interval
from ui.clients.errors import NoModelYet
from ui.clients.mlflow import RegistryClient
from ui.metrics import run_metrics


def post(url: str, path: str, **body: object) -> None:
    httpx.post(f"{url}/api/2.0/mlflow/{path}", json=body, trust_env=False, timeout=30).raise_for_status()


def test_the_registry_is_read_from_empty_to_a_production_version(mlflow_server: str) -> None:
    model = f"ui-test-{secrets.token_hex(4)}"
    with RegistryClient(mlflow_server, timeout=30) as client:
        with pytest.raises(NoModelYet):
            client.version_by_alias(PRODUCTION, model)

        post(mlflow_server, "registered-models/create", name=model)
        tags = [{"key": "data_source", "value": "synthetic"}]
        post(mlflow_server, "model-versions/create", name=model, source="s3://bucket/model", tags=tags)
        with pytest.raises(NoModelYet):
            client.version_by_alias(PRODUCTION, model)

        post(mlflow_server, "registered-models/alias", name=model, alias=PRODUCTION, version="1")
        production = client.version_by_alias(PRODUCTION, model)
        assert (production.version, production.tag("data_source")) == ("1", "synthetic")


def test_versions_runs_and_files_are_read_as_training_writes_them(mlflow_server: str) -> None:
    model = f"ui-test-{secrets.token_hex(4)}"
    server = library.MlflowClient(mlflow_server)
    experiment = server.create_experiment(model)
    run_id = server.create_run(experiment).info.run_id
    for key, value in (("auroc", 0.66), ("auroc_low", 0.65), ("auroc_high", float("nan"))):
        server.log_metric(run_id, key, value)
    server.log_param(run_id, "n_estimators", "300")
    server.log_text(run_id, "# Card", "model_card.md")
    server.log_text(run_id, "picture", "plots/roc.png")

    with RegistryClient(mlflow_server, timeout=30) as client:
        assert (client.versions(model), client.aliases(model)) == ([], {})
        server.create_registered_model(model)
        for _number in range(11):
            server.create_model_version(model, "s3://bucket/model", run_id, tags={"gate.decision": "promoted"})
        server.set_registered_model_alias(model, PRODUCTION, "10")
        versions = client.versions(model)
        assert [one.version for one in versions] == [str(number) for number in range(11, 0, -1)]
        assert (versions[0].run_id, versions[0].tag("gate.decision")) == (run_id, "promoted")
        assert versions[0].registered_at is not None
        assert client.aliases(model) == {PRODUCTION: "10"}

        run = client.run(run_id)
        assert run is not None
        assert run.info.experiment_id == experiment
        assert run_metrics(run) == {"auroc": Interval(value=0.66, low=0.65, high=None)}
        assert {param.key: param.value for param in run.data.params} == {"n_estimators": "300"}

        assert [(file.path, file.file_size) for file in client.files(run_id)] == [("model_card.md", 6)]
        assert [file.path for file in client.files(run_id, "plots")] == ["plots/roc.png"]
        assert client.download(run_id, "model_card.md") == b"# Card"


def test_deleted_runs_and_files_are_none(mlflow_server: str) -> None:
    server = library.MlflowClient(mlflow_server)
    run_id = server.create_run(server.create_experiment(f"ui-test-{secrets.token_hex(4)}")).info.run_id
    with RegistryClient(mlflow_server, timeout=30) as client:
        assert client.run(secrets.token_hex(16)) is None
        assert client.files(secrets.token_hex(16)) == []
        assert client.files(run_id) == []
        assert client.files(run_id, "plots") == []
        assert client.download(run_id, "report.html") is None
