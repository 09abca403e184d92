"""Slow and half-open connections, and names that nobody resolves: predictions go on, and commands end in a sentence."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from infra.local.settings import ROOT
from tests.faults.conftest import StartApi
from tests.faults.link import Link, linked
from tests.faults.load import Load
from tests.faults.models import Models
from tests.faults.servers import Database, MlflowServer
from tests.faults.test_postgres_away import PATIENTS, assert_all_are_accounted_for
from tests.faults.watching import metric, served
from tests.integration.api.conftest import eventually
from tests.integration.api.process import ApiProcess

LATENCY_SECONDS: Final = 0.2
NOBODY: Final = "nobody.invalid"
"""A name that no resolver knows (RFC 6761)."""
IMPATIENT: Final = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "2", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}


@pytest.fixture
def link(database: Database) -> Iterator[Link]:
    """The way to PostgreSQL."""
    with linked(database.url) as link:
        yield link


@pytest.fixture
def cached(mlflow: MlflowServer, models: Models, first: str, start_api: StartApi, tmp_path: Path) -> Path:
    """Folder of a service that has the first version in its cache, and has ended."""
    models.promote(first)
    api = start_api(mlflow.url)
    api.wait_until_ready()
    eventually((tmp_path / "cache" / "current.json").exists)
    api.process.kill()
    shutil.copytree(tmp_path / "cache", tmp_path / "restarted" / "cache")
    return tmp_path / "restarted"


@pytest.mark.parametrize(("timeout", "history"), [("0.2", "unavailable"), ("2", "unknown")])
def test_a_database_that_is_200_ms_away_costs_no_prediction_and_no_entry_of_the_log(
    mlflow: MlflowServer,
    models: Models,
    first: str,
    database: Database,
    link: Link,
    start_api: StartApi,
    timeout: str,
    history: str,
) -> None:
    models.promote(first)
    link.latency_seconds = LATENCY_SECONDS
    far = database.environment | {"POSTGRES_PORT": str(link.port), "HISTORY_TIMEOUT_SECONDS": timeout}
    api = start_api(mlflow.url, **far)
    api.wait_until_ready()
    with Load(api.url, models.truth) as load, Load(api.url, models.truth, rate=5, requests=PATIENTS) as patients:
        eventually(lambda: patients.history[history] > 10)
        eventually(lambda: metric(api, "prediction_log_written_total") > 500, seconds=60)

    for one in (load, patients):
        one.assert_flawless()
    assert load.percentile(0.99) < 1
    assert_all_are_accounted_for(api, database)
    assert metric(api, "prediction_log_dropped_total") == 0


def test_a_start_while_database_and_mlflow_take_connections_and_never_answer_serves_the_cached_model(
    mlflow: MlflowServer,
    models: Models,
    first: str,
    second: str,
    database: Database,
    link: Link,
    cached: Path,
    start_api: StartApi,
) -> None:
    with linked(mlflow.url) as registry:
        for half_open in (link, registry):
            half_open.silent.set()
        far = database.environment | {"POSTGRES_PORT": str(link.port), "MODEL_POLL_SECONDS": "1"}
        api = start_api(registry.url, cached, **far)
        assert_predictions_go_on(api, models, first)

        for half_open in (link, registry):
            half_open.silent.clear()
        models.promote(second)
        eventually(lambda: served(api) == second, seconds=30)
        eventually(lambda: metric(api, "prediction_log_written_total") > 0, seconds=60)


def test_a_start_without_name_resolution_serves_the_cached_model(
    models: Models, first: str, database: Database, cached: Path, start_api: StartApi
) -> None:
    lost = database.environment | {"POSTGRES_HOST": NOBODY, "MODEL_POLL_SECONDS": "1"}
    api = start_api(f"http://{NOBODY}:5000", cached, **lost)
    assert_predictions_go_on(api, models, first)
    assert "MLflow cannot be reached" in api.client.get("/model").json()["registry"]["error"]


def assert_predictions_go_on(api: ApiProcess, models: Models, version: str) -> None:
    """All of one version, without a history, and the registry is known to be away."""
    api.wait_until_ready()
    with Load(api.url, models.truth) as load, Load(api.url, models.truth, rate=20, requests=PATIENTS) as patients:
        eventually(lambda: metric(api, "model_registry_reachable") == 0, seconds=60)
        eventually(lambda: patients.history["unavailable"] > 20)
    for one in (load, patients):
        one.assert_flawless()
        assert one.percentile(0.99) < 1
        assert set(one.versions) == {version}
    assert set(patients.history) <= {"unavailable", "unknown"}


def test_commands_end_in_one_sentence_when_a_server_never_answers_or_has_no_address(
    mlflow: MlflowServer, database: Database, link: Link
) -> None:
    link.silent.set()
    with linked(mlflow.url) as registry:
        registry.silent.set()
        far = database.environment | {"DIABETES_DB_PASSWORD": "x", "POSTGRES_PORT": str(link.port)}
        lost = far | {"POSTGRES_HOST": NOBODY}
        assert command("ledger", far).startswith(f"PostgreSQL at 127.0.0.1:{link.port} does not answer")
        assert command("ledger", lost).startswith(f"PostgreSQL at {NOBODY}:{link.port} does not answer")
        for address in (registry.url, f"http://{NOBODY}:5000"):
            sentence = command("report 1", far | IMPATIENT | {"MLFLOW_TRACKING_URI": address})
            assert sentence == f"MLflow at {address} does not answer: start it, or correct MLFLOW_TRACKING_URI."


def command(arguments: str, environment: dict[str, str]) -> str:
    """The last line of a command that fails; MLflow's client logs each attempt before."""
    done = subprocess.run(
        [sys.executable, "-m", "ml", *arguments.split()],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1].removeprefix("Error: ")
