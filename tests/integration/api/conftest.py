"""The service in this process, with valid bundles and a fake registry."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import ApiSettings
from tests.integration.api.bundles import write_bundle
from tests.integration.api.models.registry_server import RegistryServer, running_registry

StartApi = Callable[..., TestClient]


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    with running_registry() as server:
        yield server


@pytest.fixture
def start_api(registry: RegistryServer, tmp_path: Path) -> Iterator[StartApi]:
    """Starts the service with the given settings; it stops with the test."""
    with ExitStack() as stack:

        def start(**settings: Any) -> TestClient:
            defaults: dict[str, Any] = {
                "mlflow_tracking_uri": registry.url,
                "api_cache_dir": tmp_path / "cache",
                "model_poll_seconds": 0.1,
                "prediction_log": False,
                "postgres_port": 9,  # nothing listens there
                "diabetes_db_password": "unused",
                "prediction_log_key": "key of the tests",
            }
            app = create_app(ApiSettings.load(_env_file=None, **(defaults | settings)))
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield start


@pytest.fixture
def client(registry: RegistryServer, start_api: StartApi, tmp_path: Path) -> TestClient:
    """The service with version 1 (intercept -2) loaded and cached."""
    registry.promote("1", write_bundle(tmp_path / "bundle-1", -2.0))
    client = start_api()
    eventually((tmp_path / "cache" / "current.json").exists)
    return client


def eventually(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
