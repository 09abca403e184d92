"""One service with a trained model, and the table of what each client got from it."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.keys import hash_key
from infra.local.postgres.cluster import PostgresServer
from ml.data.sources.delivery import Delivery
from ml.data.sources.synthetic import write_csv
from ml.training.models import GRADIENT_BOOSTING, fit
from ml.warehouse.datasets import read
from tests.clients.environments import EXAMPLES
from tests.clients.table import Table
from tests.integration.api.models.registry_server import running_registry
from tests.integration.api.process import ApiProcess, running_api
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.integration.ml.registries import bundle_of

KEY = "the key of the tests"
TABLE = Table()


@dataclass(frozen=True)
class Service:
    """The service, without and with a key, and the risks that every client must get."""

    url: str
    guarded_url: str
    bundle: Path
    version: str
    risks: dict[str, list[float]]


@pytest.fixture(scope="session")
def service(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder, version = tmp_path_factory.mktemp("clients"), "7"
    with fresh_database(postgres_server, folder) as (settings, engine), running_registry() as registry:
        write_csv(folder / "cohort.csv", 3_000, seed=296)
        ingest_file(engine, Delivery("synthetic", folder / "cohort.csv"))
        data = read(engine)
        model = fit(GRADIENT_BOOSTING, {"n_estimators": 40, "learning_rate": 0.2}, data.train, 1, masked=1)
        bundle = bundle_of(model, data.test, tmp_path_factory.mktemp("bundle"))
        registry.promote(version, bundle)
        database = {
            name: str(getattr(settings, name))
            for name in ("postgres_host", "postgres_port", "diabetes_db_name", "diabetes_db_user")
        }
        password = settings.diabetes_db_password.get_secret_value()
        variables = database | {"diabetes_db_password": password, "prediction_log": "true"}
        variables = {name.upper(): value for name, value in variables.items()}
        keys = {"API_KEYS": f"tests:{hash_key(KEY)}", "API_CACHE_DIR": str(folder / "cache of the guarded service")}
        with (
            running_api(folder, registry.url, **variables) as api,
            running_api(folder, registry.url, **variables, **keys) as guarded,
        ):
            api.wait_until_ready()
            guarded.wait_until_ready()
            yield Service(api.url, guarded.url, bundle, version, _risks(api))


def _risks(api: ApiProcess) -> dict[str, list[float]]:
    full = json.loads((EXAMPLES / "record.json").read_text())
    with (EXAMPLES / "patients.csv").open(newline="") as lines:
        rows = [
            {name: int(value) if value.isdigit() and name != "diag_1" else value or None for name, value in row.items()}
            for row in csv.DictReader(lines)
        ]
    records = [{name: full[name] for name in ("race", "gender", "age")}, full, *rows]
    short, everything, *file = api.client.post("/predict", json={"records": records}).json()["predictions"]
    assert len({short, everything, *file}) == len(records), "the records have different risks"
    return {"three fields": [short], "all fields": [everything], "file": file}


@pytest.fixture(scope="session")
def table() -> Table:
    return TABLE


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each client got."""
    if TABLE.rows:
        terminalreporter.section("clients")
        for row in TABLE.rows:
            terminalreporter.write_line(f"{row.client:28} {row.call:14} {row.result[:100]}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first run installs the clients."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(900))
