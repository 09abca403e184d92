"""The service with a real, migrated PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from tests.integration.api.bundles import write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.integration.api.storage.databases import connected, migrate

Serve = Callable[..., TestClient]


@pytest.fixture
def database(postgres_url: str) -> Iterator[Connection]:
    """A connection of the owner."""
    migrate(postgres_url)
    with connected(postgres_url) as connection:
        yield connection


@pytest.fixture
def serve(start_api: StartApi, database_settings: dict[str, str], registry: RegistryServer, tmp_path: Path) -> Serve:
    """Starts the service with a model and the database; keywords are settings."""

    def serve(**settings: Any) -> TestClient:
        if registry.alias is None:
            registry.promote("1", write_bundle(tmp_path / "1", -2.0))
        client = start_api(**(database_settings | settings))
        eventually(lambda: client.get("/ready").status_code == 200)
        return client

    return serve
