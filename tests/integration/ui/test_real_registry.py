"""The client against a real MLflow server: what it says while there is nothing, and when there is."""

import secrets

import httpx
import pytest

from ui.api_client import PRODUCTION, NoModelYet, PlatformClient


def post(url: str, path: str, **body: object) -> None:
    httpx.post(f"{url}/api/2.0/mlflow/{path}", json=body, trust_env=False, timeout=30).raise_for_status()


def test_the_registry_is_read_from_empty_to_a_production_version(mlflow_server: str) -> None:
    model = f"ui-test-{secrets.token_hex(4)}"
    with PlatformClient("http://127.0.0.1:9", mlflow_server, timeout=30) as client:
        with pytest.raises(NoModelYet):
            client.production_version(model)

        post(mlflow_server, "registered-models/create", name=model)
        tags = [{"key": "data_source", "value": "synthetic"}]
        post(mlflow_server, "model-versions/create", name=model, source="s3://bucket/model", tags=tags)
        with pytest.raises(NoModelYet):
            client.production_version(model)

        post(mlflow_server, "registered-models/alias", name=model, alias=PRODUCTION, version="1")
        production = client.production_version(model)
        assert (production.version, production.tag("data_source")) == ("1", "synthetic")
