"""The release before, from the history of this repository, is started for real and upgraded by `make upgrade`.

The tests run in this order. Both releases share one home: databases, artifacts, secrets, ports.
"""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from ml.core.release import NEWEST_REVISION
from ml.data.sources.synthetic import write_csv
from tests.operations.conftest import COMMAND_SECONDS, PASSPHRASE, SMALL, UP_SECONDS
from tests.operations.test_backup_and_restore import COUNT, is_ready, predict, sql, wait_for
from tests.support.native import ROOT, NativeStack, prepare_native

HOME: Final = ROOT / "build" / "operations-upgrade"
BACKUPS: Final = ROOT / "build" / "operations-upgrade-backups"
FORMER: Final = ROOT / "build" / "release-before"


@dataclass(frozen=True)
class Installation:
    """A home, and the two checkouts that run in it."""

    native: NativeStack
    python: Path

    def former(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the release before. `make` would install its lock into the shared environment."""
        return subprocess.run(
            [self.python, "-m", "infra.local", command],
            cwd=FORMER,
            env=self.native.environment,
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
            check=False,
        )


@pytest.fixture(scope="module")
def commit() -> str:
    """The release before, as CHANGELOG names it."""
    found = re.search(r"release before is commit `(\w+)`", (ROOT / "CHANGELOG.md").read_text())
    assert found
    known = subprocess.run(["git", "cat-file", "-e", found[1]], cwd=ROOT, capture_output=True, check=False)
    if known.returncode:
        pytest.skip(f"commit {found[1]} is not in this clone: git fetch --unshallow")
    return found[1]


@pytest.fixture(scope="module")
def installation(commit: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The release before with data, a version in production, predictions, an outcome and a waiting DAG run."""
    data = tmp_path_factory.mktemp("operations") / "encounters.csv"
    write_csv(data, 3000, seed=5)
    places = {"LOCAL_DIR": HOME, "MLFLOW_ARTIFACTS_DIR": HOME / "mlruns", "BACKUP_DIR": BACKUPS, "DATA_FILE": data}
    given = SMALL | {name: str(place) for name, place in places.items()} | {"BACKUP_PASSPHRASE": PASSPHRASE}
    native = prepare_native(HOME.relative_to(ROOT), **given)
    shutil.rmtree(BACKUPS, ignore_errors=True)
    shutil.rmtree(FORMER, ignore_errors=True)  # of a run that was killed
    git("worktree", "prune")
    git("worktree", "add", "--detach", str(FORMER), commit)
    try:
        installation = Installation(native, environment_of(FORMER))
        done = installation.former("demo")
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
        fill(native)
        yield installation
    finally:
        native.run("make down; make clean YES=1", COMMAND_SECONDS)
        git("worktree", "remove", "--force", str(FORMER))
        shutil.rmtree(BACKUPS, ignore_errors=True)


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True)


def environment_of(checkout: Path) -> Path:
    """The Python of a checkout: the present one if both locks have the same packages, else one of its own."""
    if packages_of(checkout) == packages_of(ROOT):
        return ROOT / ".venv" / "bin" / "python"
    subprocess.run(["make", "env"], cwd=checkout, capture_output=True, check=True)
    return checkout / ".venv" / "bin" / "python"


def packages_of(checkout: Path) -> dict[str, str]:
    packages = tomllib.loads((checkout / "uv.lock").read_text())["package"]
    return {package["name"]: package.get("version", "") for package in packages}


def fill(native: NativeStack) -> None:
    """Predictions, an outcome, and a run of a paused DAG, which waits."""
    sql(native, "UPDATE dag SET is_paused = true", "airflow")
    record = {"encounter_id": 7, "patient_nbr": 8, "age": "[60-70)"}
    outcome = {"encounter_id": 7, "readmitted": "<30", "known_on": datetime.now(UTC).isoformat()}
    for url, body in (("predict", {"records": [record]}), ("feedback", {"outcomes": [outcome]})):
        assert httpx.post(f"{native.url(8000)}/{url}", json=body, timeout=30).is_success
    wait_for("the prediction log", lambda: rows(native, "labelled_predictions") == 1)
    login = {"username": "airflow", "password": "airflow"}
    token = httpx.post(f"{native.url(8080)}/auth/token", json=login, timeout=30).json()["access_token"]
    runs = f"{native.url(8080)}/api/v2/dags/ingest_diabetes/dagRuns"
    header = {"Authorization": f"Bearer {token}"}
    assert httpx.post(runs, json={"logical_date": None}, headers=header, timeout=30).is_success


def rows(native: NativeStack, table: str) -> int:
    return int(sql(native, COUNT.format(table))[0][0])


def kept(native: NativeStack) -> dict[str, Any]:
    """What both an upgrade and a way back must leave as it was; read before requests are sent."""
    tables = ("ingestions", "raw_data", "train_data", "test_data", "rejected_rows", "outcomes", "monitor_runs")
    return {
        "rows": {table: rows(native, table) for table in tables},
        "labelled": sql(native, "SELECT request_id, probability, readmitted FROM labelled_predictions"),
        "patients": sql(native, "SELECT sum(patient_nbr), min(ingested_at) FROM raw_data"),
        "production": sql(native, "SELECT version, action FROM gate_decisions WHERE action = 'promoted' ORDER BY id"),
        "aliases": sql(native, "SELECT alias, version FROM registered_model_aliases ORDER BY 1", "mlflowdb"),
        "versions": sql(native, "SELECT version, run_id FROM model_versions ORDER BY 1", "mlflowdb"),
        "metrics": sql(native, "SELECT * FROM latest_metrics ORDER BY 1, 2", "mlflowdb"),
        "runs": sql(native, "SELECT dag_id, run_id, state FROM dag_run ORDER BY 1, 2", "airflow"),
        "tasks": sql(native, "SELECT dag_id, run_id, task_id, state FROM task_instance ORDER BY 1, 2, 3", "airflow"),
    }


@pytest.fixture(scope="module")
def before(installation: Installation) -> dict[str, Any]:
    """State and predictions of the release before."""
    wait_for("the model", lambda: is_ready(installation.native))
    return {"predictions": predict(installation.native), **kept(installation.native)}


def after(native: NativeStack) -> dict[str, Any]:
    wait_for("the model", lambda: is_ready(native))
    return {"predictions": pytest.approx(predict(native), abs=1e-6), **kept(native)}


def test_the_release_before_is_in_use(installation: Installation, before: dict[str, Any]) -> None:
    assert before["aliases"]
    assert before["labelled"]
    assert "queued" in {state for _, _, state in before["runs"]}
    assert sql(installation.native, "SELECT version_num FROM schema_version") < [(NEWEST_REVISION,)]


def test_an_upgrade_that_fails_returns_and_the_release_before_runs_again(
    installation: Installation, before: dict[str, Any]
) -> None:
    native = installation.native
    sql(native, "CREATE TABLE policies (of_another_program int)")  # a migration creates this table and fails

    done = native.run("make upgrade", UP_SECONDS)

    assert done.returncode != 0
    assert "The migration of the diabetes database failed" in done.stdout
    assert f"is restored from {BACKUPS}" in done.stdout
    assert "Traceback" not in done.stderr
    done = installation.former("up")
    assert done.returncode == 0, done.stdout[-6000:]
    assert after(native) == before
    sql(native, "DROP TABLE policies")


def test_an_upgrade_keeps_predictions_rows_and_aliases(installation: Installation, before: dict[str, Any]) -> None:
    native = installation.native
    logged, decisions = rows(native, "predictions"), rows(native, "gate_decisions")

    done = native.run("make upgrade", UP_SECONDS)

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert "answered bit for bit" in done.stdout
    assert "The API serves version 1" in done.stdout
    assert after(native) == before
    assert rows(native, "predictions") >= logged
    assert rows(native, "gate_decisions") == decisions + 1  # the version in production is signed
    assert sql(native, "SELECT version_num FROM schema_version") == [(NEWEST_REVISION,)]


def test_the_upgraded_platform_is_backed_up_and_verified(installation: Installation, before: dict[str, Any]) -> None:
    done = installation.native.run("make backup && make backup-verify", COMMAND_SECONDS)

    assert done.returncode == 0, done.stdout + done.stderr
