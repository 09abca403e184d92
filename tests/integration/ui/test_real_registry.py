"""The client against a real MLflow server: what it says while there is nothing, and when there is."""

import secrets

import httpx
import pytest

from ml.names import PRODUCTION
from ui.clients.faults import NoModelYet
from ui.clients.mlflow import MlflowClient


def post(url: str, path: str, **body: object) -> None:
    httpx.post(f"{url}/api/2.0/mlflow/{path}", json=body, trust_env=False, timeout=30).raise_for_status()


def test_the_registry_is_read_from_empty_to_a_production_version(mlflow_server: str) -> None:
    model = f"ui-test-{secrets.token_hex(4)}"
    with MlflowClient(mlflow_server, timeout=30) as client:
        with pytest.raises(NoModelYet):
            client.by_alias(PRODUCTION, model)

        post(mlflow_server, "registered-models/create", name=model)
        tags = [{"key": "data_source", "value": "synthetic"}]
        post(mlflow_server, "model-versions/create", name=model, source="s3://bucket/model", tags=tags)
        with pytest.raises(NoModelYet):
            client.by_alias(PRODUCTION, model)

        post(mlflow_server, "registered-models/alias", name=model, alias=PRODUCTION, version="1")
        production = client.by_alias(PRODUCTION, model)
        assert (production.version, production.tag("data_source")) == ("1", "synthetic")
