"""The service with a real MLflow: it serves the versions that ml.registry registers."""

from pathlib import Path
from typing import Any

import mlflow
import pytest

from ml.core.names import PRODUCTION
from ml.core.settings import MlflowSettings
from ml.registry.client import Registry
from tests.integration.api.bundles import expected, write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.support.signing import approve


@pytest.fixture
def real_registry(mlflow_server: str) -> Registry:
    return Registry(MlflowSettings.load(_env_file=None, mlflow_tracking_uri=mlflow_server))


def register(registry: Registry, folder: Path, bias: float) -> str:
    bundle = write_bundle(folder, bias)
    with registry.run("test", {}):
        version = registry.register(bundle, {"data_source": "synthetic"}, "A test.")
    return version.number


def test_the_service_follows_the_alias_of_a_real_registry(
    real_registry: Registry, mlflow_server: str, start_api: StartApi, tmp_path: Path
) -> None:
    client = start_api(mlflow_tracking_uri=mlflow_server)

    def answer() -> Any:
        return client.post("/predict", json={"records": [{}]}).json()

    assert client.get("/ready").status_code == 503
    numbers = {bias: register(real_registry, tmp_path / str(bias), bias) for bias in (-2.0, 1.0)}
    for bias in (-2.0, 1.0, -2.0):
        approve(real_registry, numbers[bias])
        real_registry.set_alias(PRODUCTION, numbers[bias])
        eventually(lambda bias=bias: answer().get("model", {}).get("version") == numbers[bias])
        assert answer()["predictions"] == pytest.approx([expected({}, bias)], abs=1e-6)

    assert client.get("/model").json()["registry"]["error"] is None
    mlflow.set_tracking_uri(None)
