"""The service in this process, with valid bundles and a fake registry."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.models import store
from api.models.sandbox import check_in_sandbox
from api.settings import ApiSettings
from ml.core.bundle import digest_of
from ml.core.errors import BundleError
from tests.integration.api.bundles import write_bundle
from tests.integration.api.models.registry_server import RegistryServer, running_registry
from tests.support.postgres import API_PASSWORD

StartApi = Callable[..., TestClient]


PASSED: set[str] = set()
"""Digests of the bundles that have passed the sandbox in this process."""


@pytest.fixture(autouse=True)
def _each_bundle_passes_the_sandbox_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services in this process do not try the same files again: a trial takes two seconds of processor time.

    The sandbox itself is tested in ``models/test_sandbox.py`` and with services of their own process.
    """

    async def check(directory: Path, threads: int) -> str:
        digest = ""
        with suppress(BundleError):  # a missing file: the sandbox gives the reason
            digest = digest_of(directory)
        if digest not in PASSED:
            digest = await check_in_sandbox(directory, threads)
            PASSED.add(digest)
        return digest

    monkeypatch.setattr(store, "check_in_sandbox", check)


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
                "api_db_password": API_PASSWORD,
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


def eventually(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
