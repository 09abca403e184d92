"""`make backup`, `make restore` and `make backup-verify` on the running native stack; the tests run in this order."""

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from typing import Any

import httpx
import psycopg2
import pytest

from tests.operations.conftest import BACKUPS, COMMAND_SECONDS, HOME, UP_SECONDS
from tests.support.native import ROOT, NativeStack

COUNT = "SELECT count(*) FROM {}"
RECORDS: list[dict[str, Any]] = [
    {"race": "Caucasian", "gender": "Female", "age": "[60-70)"},
    {"number_inpatient": 3, "diag_1": "428", "age": "[80-90)"},
    {},
]


def sql(native: NativeStack, statement: str, database: str = "diabetes") -> list[tuple[Any, ...]]:
    """Run a statement as superuser; returns its rows."""
    secret, port = ("mlflow_postgres_password", 5433) if database == "mlflowdb" else ("postgres_password", 5432)
    password = (ROOT / native.environment["LOCAL_DIR"] / "secrets" / secret).read_text().strip()
    login: dict[str, Any] = {"host": "127.0.0.1", "port": native.ports[port], "user": "postgres", "password": password}
    with closing(psycopg2.connect(dbname=database, **login)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def predict(native: NativeStack) -> list[float]:
    response = httpx.post(f"{native.url(8000)}/predict", json={"records": RECORDS}, timeout=30)
    assert response.status_code == 200, response.text
    predictions: list[float] = response.json()["predictions"]
    return predictions


def wait_for(what: str, holds: Callable[[], bool], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.5)


def is_ready(native: NativeStack) -> bool:
    try:
        return httpx.get(f"{native.url(8000)}/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def logs_in(native: NativeStack) -> bool:
    login = {"username": "airflow", "password": "airflow"}
    return httpx.post(f"{native.url(8080)}/auth/token", json=login, timeout=30).status_code == 201


def state(native: NativeStack) -> dict[str, Any]:
    """What must be the same after a restore."""
    tables = [name for (name,) in sql(native, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    steady = sorted(set(tables) - {"predictions"})
    return {
        "predictions": predict(native),
        "counts": {table: sql(native, COUNT.format(table)) for table in steady},
        "ledger": sql(native, "SELECT * FROM gate_decisions ORDER BY id"),
        "aliases": sql(native, "SELECT alias, version FROM registered_model_aliases ORDER BY 1", "mlflowdb"),
        "versions": sql(native, "SELECT version, run_id FROM model_versions ORDER BY 1", "mlflowdb"),
        "runs": sql(native, "SELECT dag_id, run_id, state FROM dag_run ORDER BY 1, 2", "airflow"),
        "logs in": logs_in(native),
    }


@pytest.fixture(scope="module")
def before(native: NativeStack) -> dict[str, Any]:
    """The state at the time of the backup."""
    sql(native, "UPDATE dag SET is_paused = true", "airflow")  # no run begins between the state and the backup
    wait_for("the model", lambda: is_ready(native))
    return state(native)


def test_a_backup_under_load_fails_no_request(native: NativeStack, before: dict[str, Any]) -> None:
    stopping: list[bool] = []

    def load() -> int:
        count = 0
        while not stopping:
            assert predict(native) == before["predictions"]
            count += 1
        return count

    with ThreadPoolExecutor() as pool:
        loading = [pool.submit(load) for _ in range(2)]
        try:
            done = native.run("make backup", COMMAND_SECONDS)  # into BACKUP_DIR
        finally:
            stopping.append(True)
        assert sum(future.result() for future in loading) > 0
    assert done.returncode == 0, done.stdout + done.stderr
    (backup,) = (path for path in (ROOT / BACKUPS).iterdir() if path.is_dir())
    manifest = json.loads((backup / "manifest.json").read_text())
    assert manifest["production"]["version"] == "1"
    assert manifest["secrets"]
    started, finished = (datetime.fromisoformat(manifest[name]) for name in ("started_at", "finished_at"))
    assert started <= finished


def test_the_backup_is_verified_elsewhere_and_both_times_are_exported(native: NativeStack) -> None:
    done = native.run("make backup-verify", COMMAND_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    metrics = httpx.get(f"{native.url(9105)}/metrics", timeout=30).text
    values = dict(line.split() for line in metrics.splitlines() if line.startswith(("backup_last", "restore_last")))
    assert time.time() - float(values["backup_last_success_timestamp"]) < 2 * COMMAND_SECONDS
    assert time.time() - float(values["restore_last_verified_timestamp"]) < COMMAND_SECONDS


def test_a_running_stack_goes_back_and_runs_again(native: NativeStack, before: dict[str, Any]) -> None:
    sql(native, "DELETE FROM raw_data; CREATE TABLE of_later (id int)")
    sql(native, "DELETE FROM registered_model_aliases", "mlflowdb")

    done = native.run(f"make restore FROM={BACKUPS}", UP_SECONDS)

    assert done.returncode == 0, done.stdout + done.stderr
    wait_for("the model", lambda: is_ready(native))
    assert state(native) == before
    assert sql(native, "SELECT to_regclass('of_later')") == [(None,)]


def test_a_damaged_backup_is_refused_while_the_stack_keeps_running(native: NativeStack, before: dict[str, Any]) -> None:
    (backup,) = (path for path in (ROOT / BACKUPS).iterdir() if path.is_dir())
    copy = ROOT / HOME / "damaged"
    shutil.copytree(backup, copy)
    dump = copy / "databases" / "airflow.dump"
    dump.write_bytes(dump.read_bytes()[:-1])

    done = native.run(f"make restore FROM={copy}", COMMAND_SECONDS)

    assert done.returncode != 0
    assert "is damaged: databases/airflow.dump" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert predict(native) == before["predictions"]


def test_after_the_loss_of_everything_the_same_platform_is_back(native: NativeStack, before: dict[str, Any]) -> None:
    done = native.run("make down && make clean YES=1", COMMAND_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (ROOT / HOME).exists()

    done = native.run(f"make restore FROM={BACKUPS}", COMMAND_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    done = native.run("make up", UP_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr

    wait_for("the model", lambda: is_ready(native))
    assert state(native) == before


def test_a_backup_of_a_stack_that_is_down_starts_only_the_databases(native: NativeStack) -> None:
    assert native.run("make down", COMMAND_SECONDS).returncode == 0
    done = native.run(f"make backup TO={BACKUPS}", COMMAND_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing runs" in native.run("make status", COMMAND_SECONDS).stdout
