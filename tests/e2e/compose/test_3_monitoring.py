"""Monitoring under load: targets, memory, and every expression of dashboards and rules at its real intervals."""

import time
from collections.abc import Iterator

import httpx
import pytest

from infra.local.settings import ROOT
from ml.data.sources.synthetic import write_csv
from tests.e2e.compose.services import TEST_SECONDS, get, predict, run_dag
from tests.faults.models import Models
from tests.support.compose import PROJECT, ComposeStack, wait_for
from tests.support.expressions import EXPRESSIONS, Expression, Report
from tests.support.prometheus import Prometheus
from tests.support.traffic import ask, records_of

pytestmark = [pytest.mark.docker, pytest.mark.timeout(TEST_SECONDS)]

LOAD_SECONDS = 60
"""Several scrapes and rule evaluations."""
PRODUCTION = 'max(mlflow_registered_model_version{alias="production"})'
TRAFFIC = 1500
SIMULATE = ("python", "-m", "ml", "simulate", "--records", "700", "--days", "120")
EMPTY_LOG = """
from ml.core.settings import MlSettings
from ml.warehouse.connection import transaction, warehouse

with warehouse(MlSettings.load()) as engine, transaction(engine) as connection:
    connection.exec_driver_sql("DELETE FROM predictions")
"""
"""A simulation refuses a log with real predictions."""
HISTORY_SECONDS = 3600.0
"""Longer than the stack has run."""


def test_prometheus_reaches_every_target_that_runs(stack: ComposeStack) -> None:
    running = stack.services()

    def down() -> list[str]:
        targets = get(f"{stack.url('PROMETHEUS')}/api/v1/targets").json()["data"]["activeTargets"]
        return [
            f"{target['labels']['job']}: {target['lastError'] or target['health']}"
            for target in targets
            if target["health"] != "up" and target["labels"]["job"] in running | {"prometheus"}
        ]

    wait_for("all targets to be up", lambda: not down(), 60, lambda: "; ".join(down()))


def test_memory_at_rest_is_reported(stack: ComposeStack) -> None:
    ids = [found["Id"] for found in stack.containers().values() if found["State"]["Status"] == "running"]
    listed = stack.docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *ids)
    for line in sorted(listed.splitlines()):
        stack.say(f"memory {line.removeprefix(PROJECT + '-')}")
    assert len(listed.splitlines()) == len(ids)


@pytest.fixture(scope="module")
def monitored(stack: ComposeStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus after a backup, a retention run, simulated months, requests, a refused version, and a load test."""
    folder = tmp_path_factory.mktemp("monitored")
    write_csv(folder / "encounters.csv", TRAFFIC, seed=5)
    for service in ("backup", "backup-verify"):
        stack.compose("run", "--rm", "-T", service, timeout=TEST_SECONDS)
    stack.execute("airflow-scheduler", "python", "-m", "ml", "retain", "--apply")
    stack.execute("airflow-scheduler", "python", "-c", EMPTY_LOG)
    stack.execute("airflow-scheduler", *SIMULATE)
    ask(stack.url("API"), records_of(folder / "encounters.csv", TRAFFIC))
    run_dag(stack, "monitor_diabetes")
    _refuse_a_version(stack, Models(stack.url("MLFLOW"), folder, folder))
    form = {"user_count": "4", "spawn_rate": "4", "host": "http://api:8000"}
    httpx.post(f"{stack.url('LOCUST')}/swarm", data=form, timeout=30).raise_for_status()
    until = time.monotonic() + LOAD_SECONDS
    while time.monotonic() < until:
        predict(stack)
        time.sleep(0.5)
    yield Prometheus(stack.url("PROMETHEUS"))
    httpx.post(f"{stack.url('LOCUST')}/stop", timeout=30).raise_for_status()


def _refuse_a_version(stack: ComposeStack, models: Models) -> None:
    """Promote a version that the API must refuse, and then the previous one again."""
    good, bad = get(f"{stack.url('API')}/model").json()["version"], models.bad(golden_shift=0.001)
    prometheus = Prometheus(stack.url("PROMETHEUS"))
    models.promote(bad)
    wait_for("the API to refuse it", lambda: bool(get(f"{stack.url('API')}/model").json()["refused"]), 60)
    wait_for("Prometheus to scrape it", lambda: prometheus.values(PRODUCTION) == {"": float(bad)}, 60)
    models.promote(good)
    assert predict(stack)["model"]["version"] == good


@pytest.fixture(scope="module")
def report() -> Iterator[Report]:
    report = Report(ROOT / "build" / "observability-compose.md")
    yield report
    report.write()


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda expression: expression.place)
def test_an_expression_has_had_data(
    stack: ComposeStack, monitored: Prometheus, report: Report, expression: Expression
) -> None:
    report.check(monitored, expression, time.time() - HISTORY_SECONDS, _reason(expression, stack.services()))


def _reason(expression: Expression, services: set[str]) -> str:
    """Why the expression may have no data; empty if it must have some."""
    if any(name.startswith("wal_archive") for name in expression.names):
        return "WAL_ARCHIVE_DIR, which the tests of the backup set"
    of_containers = any(name.startswith("container_") for name in expression.names)
    return "the image of cAdvisor is not available" if of_containers and "cadvisor" not in services else ""
