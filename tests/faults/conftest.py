"""The servers around the service, started once for the whole matrix, and the service itself."""

import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.local.postgres.cluster import PostgresServer
from tests.faults.durations import FAULT_SECONDS, SOAK_SECONDS
from tests.faults.models import Models
from tests.faults.servers import Database, MlflowServer
from tests.integration.api.process import ApiProcess, running_api
from tests.support.postgres import database_url

StartApi = Callable[..., ApiProcess]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A longer matrix has more time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(300 + 2 * FAULT_SECONDS + SOAK_SECONDS))


@pytest.fixture(scope="session")
def mlflow(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    password = secrets.token_urlsafe(16)
    postgres_server.ensure_database("faults_mlflow", "faults_mlflow", password)
    url = database_url(postgres_server, "faults_mlflow", "faults_mlflow", password)
    server = MlflowServer(url, tmp_path_factory.mktemp("mlflow"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def models(mlflow: MlflowServer, tmp_path_factory: pytest.TempPathFactory) -> Models:
    return Models(mlflow.url, mlflow.artifacts, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def first(models: Models) -> str:
    """A good version; a test that needs it in production promotes it."""
    return models.good(-2.0)


@pytest.fixture(scope="session")
def second(models: Models) -> str:
    """Another good version."""
    return models.good(1.0)


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    """PostgreSQL with the platform's database, apart from MLflow's."""
    # Not below pytest's own temporary root: see the fixture postgres_server.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        server = Database(Path(folder))
        server.start()
        server.migrate()
        yield server
        server.stop()


@pytest.fixture
def start_api(tmp_path: Path) -> Iterator[StartApi]:
    """Starts the service as a process; it ends with the test."""
    with ExitStack() as stack:

        def start(mlflow_url: str, folder: Path = tmp_path, **settings: str) -> ApiProcess:
            folder.mkdir(exist_ok=True)
            return stack.enter_context(running_api(folder, mlflow_url, **settings))

        yield start
