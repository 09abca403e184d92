"""`make rotate` and changed settings on the running native stack, under a light load; the tests run in this order."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import httpx
import psycopg2
import pytest

from infra.local.supervision.probes import free_port
from infra.secrets.generate import FERNET_KEY, SECRETS, SUPERUSERS
from tests.operations.conftest import COMMAND_SECONDS, HOME, UP_SECONDS
from tests.operations.test_backup_and_restore import is_ready, logs_in, sql, wait_for
from tests.support.native import ROOT, NativeStack

SECRETS_FOLDER = ROOT / HOME / "secrets"
RECORDS = [{"race": "Caucasian", "gender": "Female", "age": "[60-70)", "patient_nbr": 7}, {"number_inpatient": 3}]
ROTATED = sorted(SECRETS.keys() - {"prediction_log_key"})
ROLES = {"airflow_db_password": "airflow", "diabetes_db_password": "diabetes", "api_db_password": "api"}


@pytest.fixture(scope="module", autouse=True)
def _running(native: NativeStack) -> None:
    done = native.run("make up", UP_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for("the model", lambda: is_ready(native))


@contextmanager
def light_load(native: NativeStack) -> Iterator[None]:
    """Two clients that predict until the context ends; each answer must be a prediction."""
    stopping: list[bool] = []

    def client() -> int:
        count = 0
        with httpx.Client(base_url=native.url(8000), timeout=30) as http:
            while not stopping:
                answer = http.post("/predict", json={"records": RECORDS})
                assert answer.status_code == 200, answer.text
                assert len(answer.json()["predictions"]) == len(RECORDS)
                count += 1
                time.sleep(0.02)
        return count

    with ThreadPoolExecutor() as pool:
        clients = [pool.submit(client) for _ in range(2)]
        try:
            yield
        finally:
            stopping.append(True)
        assert all(each.result() > 0 for each in clients)


def secrets() -> dict[str, str]:
    return {name: (SECRETS_FOLDER / name).read_text().strip() for name in SECRETS}


def pids(native: NativeStack) -> dict[str, int]:
    lines = native.run("make status", COMMAND_SECONDS).stdout.splitlines()
    return {words[0]: int(words[2]) for line in lines if (words := line.split())[1:2] == ["running"]}


def exported(native: NativeStack) -> dict[str, float]:
    lines = httpx.get(f"{native.url(9105)}/metrics", timeout=30).text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_every_secret_rotates_under_load_and_no_prediction_fails(native: NativeStack) -> None:
    before, api = secrets(), pids(native)["api"]
    with light_load(native):
        for name in ROTATED:
            done = native.run(f"make rotate NAME={name}", UP_SECONDS)
            assert done.returncode == 0, f"{name}\n{done.stdout}{done.stderr}"
            told = done.stdout + done.stderr
            assert not any(value in told for value in (*before.values(), *secrets().values()))

    after = secrets()
    assert {name for name in SECRETS if before[name] != after[name]} == set(ROTATED)
    assert "," not in after[FERNET_KEY]
    assert not list(SECRETS_FOLDER.glob(".*.former"))
    assert pids(native)["api"] == api, "the API ran on"
    for name, role in ROLES.items():
        with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
            psycopg2.connect(
                host="127.0.0.1", port=native.ports[5432], dbname="postgres", user=role, password=before[name]
            )


def test_afterwards_every_program_works_with_the_new_secrets(native: NativeStack) -> None:
    done = native.run("make doctor", COMMAND_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for("the exporter", lambda: exported(native).get("warehouse_up") == 1 and exported(native)["airflow_up"] == 1)
    assert any(name.startswith("airflow_dag_paused") for name in exported(native)), "the exporter logs in"
    assert logs_in(native)
    model = httpx.get(f"{native.url(8000)}/model", timeout=30).json()
    assert model.get("refused") is None, "the approval is signed with the new key"
    logged = sql(native, "SELECT count(*) FROM predictions")[0][0]
    httpx.post(f"{native.url(8000)}/predict", json={"records": RECORDS}, timeout=30)
    wait_for("the log", lambda: bool(sql(native, "SELECT count(*) FROM predictions")[0][0] >= logged + len(RECORDS)))
    dropped = httpx.get(f"{native.url(8000)}/metrics", timeout=30).text
    assert "\nprediction_log_dropped_total 0.0" in dropped


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("prediction_log_key", "outcomes by encounter find no earlier prediction"),
        ("postgres_passwort", "There is no secret postgres_passwort"),
    ],
)
def test_what_cannot_be_rotated_is_refused_with_the_reason(name: str, reason: str, native: NativeStack) -> None:
    before = secrets()
    done = native.run(f"make rotate NAME={name}", COMMAND_SECONDS)
    assert done.returncode != 0
    assert reason in done.stdout
    assert secrets() == before


def test_a_killed_rotation_is_finished_by_the_same_command(native: NativeStack) -> None:
    command = ["make", "rotate", f"NAME={SUPERUSERS[0]} {FERNET_KEY}"]
    with light_load(native):
        with (ROOT / HOME / "killed.log").open("w") as log:
            killed = subprocess.Popen(
                command, cwd=ROOT, env=native.environment, stdout=log, stderr=log, start_new_session=True
            )
        wait_for("the new key", lambda: "," in secrets()[FERNET_KEY])
        os.killpg(killed.pid, signal.SIGKILL)  # the supervisor is in a session of its own
        killed.wait()
        done = native.run(" ".join(["make rotate", f"NAME='{SUPERUSERS[0]} {FERNET_KEY}'"]), UP_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "," not in secrets()[FERNET_KEY]
    assert sql(native, "SELECT 1") == [(1,)]
    assert native.run("make doctor", COMMAND_SECONDS).returncode == 0


def test_a_changed_setting_restarts_what_uses_it_and_says_so(native: NativeStack) -> None:
    before = pids(native)
    port = free_port()
    changed = replace(
        native,
        environment={
            **native.environment,
            "FOREST_TREES": "16",
            "OPERATOR_KEY": "a new key of an operator",
            "LOCUST_PORT": str(port),
            "LOCUST_PUBLIC_URL": f"http://localhost:{port}",
            "POSTGRES_HOST": "db.example.org",
        },
    )
    done = changed.run("make up", UP_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "POSTGRES_HOST has no effect here: the stack decides its value." in done.stdout
    told = [line for line in done.stdout.splitlines() if line.startswith("Restarting ")]
    assert any(line.endswith(": FOREST_TREES changed.") and "airflow-scheduler" in line for line in told), told
    assert any("OPERATOR_KEY" in line and line.startswith("Restarting api") for line in told), told
    assert "a new key of an operator" not in done.stdout
    assert httpx.get(f"http://127.0.0.1:{port}/stats/requests", timeout=30).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{native.url(8089)}/stats/requests", timeout=30)
    after = pids(native)
    assert {name for name in before if before[name] == after[name]} >= {"postgres", "mlflow-postgres", "mlflow"}

    done = native.run("make up", UP_SECONDS)  # back to the settings of the other tests
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_unchanged_stack_is_left_alone(native: NativeStack) -> None:
    before = pids(native)
    done = native.run("make up", UP_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Restarting" not in done.stdout
    assert pids(native) == before
