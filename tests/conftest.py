"""Fixtures every test may use: real servers, started once for all tests that ask for one."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

import ml.registry  # noqa: F401  turns MLflow's telemetry off before a test imports mlflow
from infra.local.postgres.cluster import PostgresServer
from ml.core.proxies import bypass_proxy
from ml.core.settings import PlatformSettings
from tests.support.env_example import documented_settings
from tests.support.mlflow import running_mlflow
from tests.support.postgres import database_url, running_postgres
from tests.support.signing import VARIABLES as SIGNING_VARIABLES

# Set before MLflow is imported, and inherited by every program that a test starts.
os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
# One key pair for every gate and every service of the tests.
os.environ |= SIGNING_VARIABLES
# Parallel workers occupy every core. OpenMP's threads would wait for one another in loops, minutes on a busy machine.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# A proxy of the environment reaches no server of a test.
bypass_proxy()
# Read when a console is created: the command line's tables are not cut.
os.environ["COLUMNS"] = "200"
# A deadline of hypothesis is a limit of wall-clock time: it fails when the machine is busy.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

ROLE_PASSWORD = secrets.token_urlsafe(16)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL 18 on a free port of 127.0.0.1, with password login."""
    # Not below pytest's own temporary root: another session closes that to the account PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder, running_postgres(Path(folder)) as server:
        yield server


@pytest.fixture
def database_settings(postgres_server: PostgresServer) -> Iterator[dict[str, str]]:
    """Settings of a fresh, empty database that the role ``diabetes`` owns; the names upper-cased are the variables."""
    name = f"test_{secrets.token_hex(6)}"
    postgres_server.ensure_database(name, "diabetes", ROLE_PASSWORD)
    yield {
        "postgres_host": postgres_server.host,
        "postgres_port": str(postgres_server.port),
        "diabetes_db_name": name,
        "diabetes_db_user": "diabetes",
        "diabetes_db_password": ROLE_PASSWORD,
    }
    postgres_server.drop_database(name)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, database_settings: dict[str, str]) -> str:
    """SQLAlchemy URL of the same fresh, empty database that `database_settings` describes."""
    return database_url(postgres_server, database_settings["diabetes_db_name"], "diabetes", ROLE_PASSWORD)


@pytest.fixture(scope="session")
def mlflow_server(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real MLflow server with a database and an artifact folder of its own."""
    postgres_server.ensure_database("mlflowdb", "mlflow", ROLE_PASSWORD)
    url = database_url(postgres_server, "mlflowdb", "mlflow", ROLE_PASSWORD)
    with running_mlflow(url, tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture(scope="session")
def genuine_file() -> Path:
    """The genuine data set, of DATA_FILE."""
    found = Path(os.environ.get("DATA_FILE", ""))
    if not found.is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("the genuine data are not there: set DATA_FILE")
        pytest.skip("the genuine data are not there: set DATA_FILE")
    return found


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that this machine sets, or its ``.env``, must not decide what a test sees."""
    for name in documented_settings().keys() - SIGNING_VARIABLES.keys():
        monkeypatch.delenv(name, raising=False)
    for settings in (PlatformSettings, *_descendants(PlatformSettings)):
        monkeypatch.setitem(settings.model_config, "env_file", None)


def _descendants(parent: type[PlatformSettings]) -> Iterator[type[PlatformSettings]]:
    for child in parent.__subclasses__():
        yield child
        yield from _descendants(child)
