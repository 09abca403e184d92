"""The native stack with the commands of the README; the tests run in this order."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable

import httpx
import psutil
import pytest
from playwright.sync_api import Page, expect
from rich.console import Console

from infra.local.airflow_client import AirflowClient
from infra.local.dag_runs import follow_run
from infra.local.settings import StackSettings
from infra.local.supervision.supervisor import STACK_VARIABLE
from tests.e2e.conftest import AUDIT, OUTSIDE, SCREENSHOTS
from tests.support.native import HOME, ROOT, NativeStack
from tests.support.readme import commands, with_ports

LOAD_TEST = next(command for command in commands() if "locust" in command and "headless" in command)
PREDICT = next(command for command in commands() if command.startswith("curl"))
MAX_MEMORY_GB = 3.0
"""Limit of the proportional set size of the whole stack after a demo."""

COMMANDS = (
    "make status",
    "make doctor",
    "make help",
    ".venv/bin/python -m ml --help",
    ".venv/bin/python -m ml list",
    ".venv/bin/python -m ml ledger",
    ".venv/bin/python -m ml card",
)


def wait_for(what: str, holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} seconds for {what}")
        time.sleep(0.5)


def responds(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_the_demo_prints_prediction_addresses_memory_and_log_folder(
    native: NativeStack, demo_output: list[str]
) -> None:
    printed = demo_output[0]
    assert re.search(r"Readmission within 30 days: \d+\.\d %", printed.replace("%", " %"))
    assert "diabetes-readmission version 1" in printed
    assert re.search(r"monitor_diabetes\n.*✓ detect_drift.*\n.*✓ realise_quality", printed)
    for port in (8080, 5000, 8000, 8501, 8089):
        assert f"localhost:{native.ports[port]}" in printed
    assert re.search(r"Time to the first prediction: \d+ s", printed)
    memory = re.search(r"\(PSS\): (\d\.\d+) GB", printed)
    assert memory is not None
    assert float(memory[1]) <= MAX_MEMORY_GB


def test_the_readmes_prediction_command_works(native: NativeStack) -> None:
    done = native.run(f"no_proxy=localhost {with_ports(PREDICT, native.ports)}", 120)
    assert re.match(r'\{"predictions":\s?\[0\.\d+\]', done.stdout), done.stdout + done.stderr


def test_the_readmes_other_commands_work(native: NativeStack) -> None:
    for command in COMMANDS:
        done = native.run(command, 300)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.strip(), command


def test_the_production_version_is_reproduced(native: NativeStack) -> None:
    done = native.run(".venv/bin/python -m ml reproduce 1", 900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "reproduced" in done.stdout.lower()


def test_logs_are_followed(native: NativeStack) -> None:
    with pytest.raises(subprocess.TimeoutExpired) as followed:
        native.run("exec make logs NAME=api", 15)
    shown = [line for line in (followed.value.stdout or b"").decode().splitlines() if line.strip()]
    log = (ROOT / HOME / "logs" / "api.log").read_text()
    assert shown
    assert [line for line in shown[-3:] if line.strip() not in log] == []


def test_the_readmes_load_test_has_no_failures_and_is_labelled(native: NativeStack) -> None:
    done = native.run(LOAD_TEST, 300)
    assert done.returncode == 0, done.stdout + done.stderr
    metrics = httpx.get(f"{native.url(8000)}/metrics").text
    assert re.search(r'api_predictions_total\{.*load_test="true".*\} [1-9]', metrics)
    assert re.search(r'api_request_duration_seconds_count\{.*route="/predict".*\} [1-9]', metrics)


def test_a_second_demo_trains_nothing_new(native: NativeStack) -> None:
    def versions() -> list[str]:
        listed = json.loads(native.run(".venv/bin/python -m ml list --json", 60).stdout)["versions"]
        return [one["number"] for one in listed]

    served, before = httpx.get(f"{native.url(8000)}/model").json()["version"], versions()
    done = native.run("make demo", 900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"diabetes-readmission version {served}" in done.stdout
    assert versions() == before


@pytest.mark.skipif(
    shutil.which("prometheus") is None and os.environ.get("CI") != "true",
    reason="Prometheus is not installed: apt install prometheus.",
)
def test_prometheus_reaches_every_target_and_shows_the_page(native: NativeStack, browser_page: Page) -> None:
    def down() -> list[str]:
        targets = httpx.get(f"{native.url(9090)}/api/v1/targets").json()["data"]["activeTargets"]
        return [f"{target['labels']['job']}: {target['lastError']}" for target in targets if target["health"] != "up"]

    wait_for("all targets to be up", lambda: not down(), 180)
    # Debian's package lacks the newer page.
    page = next(url for path in ("/targets", "/classic/targets") if responds(url := native.url(9090) + path))
    browser_page.goto(page)
    expect(browser_page.get_by_text("api", exact=False).first).to_be_attached(timeout=30_000)
    browser_page.screenshot(path=SCREENSHOTS / "prometheus-targets.png", full_page=True)


@pytest.mark.parametrize(
    ("name", "port", "path", "text"),
    [
        ("swagger", 8000, "/docs", "/predict"),
        ("mlflow-model", 5000, "/#/models/diabetes-readmission", "production"),
        ("locust", 8089, "/", "Start"),
    ],
)
def test_pages_show_their_content(
    native: NativeStack, browser_page: Page, name: str, port: int, path: str, text: str
) -> None:
    browser_page.goto(native.url(port) + path)
    expect(browser_page.get_by_text(text).first).to_be_visible(timeout=30_000)
    browser_page.wait_for_timeout(1500)
    browser_page.screenshot(path=SCREENSHOTS / f"{name}.png")


def test_airflow_shows_the_successful_runs_after_login(native: NativeStack, browser_page: Page) -> None:
    browser_page.goto(native.url(8080))
    browser_page.get_by_label("Username").fill("airflow")
    browser_page.get_by_label("Password", exact=True).fill("airflow")
    browser_page.get_by_role("button", name=re.compile("sign in", re.I)).click()
    expect(browser_page.get_by_role("link", name="Dags")).to_be_visible(timeout=30_000)
    for dag_id in ("ingest_diabetes", "train_models_diabetes_simple"):
        browser_page.goto(f"{native.url(8080)}/dags/{dag_id}/runs")
        expect(browser_page.get_by_text(re.compile("success", re.I)).first).to_be_visible(timeout=30_000)
        browser_page.get_by_role("button", name=re.compile("show graph", re.I)).click()
        browser_page.wait_for_timeout(3000)
        browser_page.screenshot(path=SCREENSHOTS / f"airflow-{dag_id}.png")


def test_airflow_deletes_what_is_old_from_its_own_database_too(native: NativeStack) -> None:
    settings = StackSettings.load(airflow_port=native.ports[8080])
    with AirflowClient(settings) as airflow:
        airflow.unpause("retain_diabetes")
        run = airflow.trigger("retain_diabetes")
        follow_run(airflow, "retain_diabetes", run, Console(quiet=True))  # raises if a task fails
    done = native.run(".venv/bin/python -m ml retain --json", 120)
    assert set(json.loads(done.stdout)["counts"].values()) == {0}


def test_the_audit_says_who_asked_about_a_patient(native: NativeStack) -> None:
    asked = httpx.post(
        f"{native.url(8000)}/explain", json={"records": [{"patient_nbr": 8222157}]}, headers={"X-Request-ID": "audited"}
    )
    assert asked.status_code == 200
    done = native.run(".venv/bin/python -m ml audit --patient 8222157 --json", 60)
    assert [entry["action"] for entry in json.loads(done.stdout) if entry["request_id"] == "audited"] == ["explained"]


def test_a_killed_api_is_restarted(native: NativeStack) -> None:
    (api,) = (
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if (process.info["cmdline"] or [])[1:3] == ["-m", "api"]
        and (process.info["environ"] or {}).get(STACK_VARIABLE) == str(ROOT / native.environment["LOCAL_DIR"])
    )
    api.kill()
    api.wait(10)
    wait_for("the API to serve again", lambda: responds(f"{native.url(8000)}/ready"), 120)


def test_no_program_connects_to_another_machine(native: NativeStack) -> None:
    environments = [process.info["environ"] or {} for process in psutil.process_iter(["environ"])]
    audited = [
        environment
        for environment in environments
        if environment.get("OUTSIDE_CONNECTIONS") == str(OUTSIDE) and str(AUDIT) in environment.get("PYTHONPATH", "")
    ]
    assert len(audited) >= 8, "the audit did not reach the programs of the stack"
    attempts = OUTSIDE.read_text().splitlines() if OUTSIDE.exists() else []
    assert attempts == []


def test_down_stops_everything(native: NativeStack) -> None:
    done = native.run("make down", 300)
    assert done.returncode == 0, done.stdout + done.stderr
    listening = {connection.laddr.port for connection in psutil.net_connections("tcp") if connection.status == "LISTEN"}
    assert listening.isdisjoint(native.ports.values())
