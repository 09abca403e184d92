"""The program ``python -m infra.exporter``."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics_families
from prometheus_client.parser import text_string_to_metric_families

from infra.local.supervision.probes import free_port
from tests.integration.infra.exporter.conftest import NO_DATABASE, UNREACHABLE
from tests.integration.infra.exporter.fakes import FakeAirflow


@contextmanager
def _program(**variables: str) -> Iterator[subprocess.Popen[str]]:
    secrets = {name.upper(): str(value) for name, value in NO_DATABASE.items()}
    environment = os.environ | secrets | variables
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.exporter"], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


def _get(url: str) -> httpx.Response:
    deadline = time.monotonic() + 20
    while True:
        try:
            return httpx.get(url, timeout=10)
        except httpx.ConnectError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_it_serves_metrics_and_health_until_sigterm(airflow: FakeAirflow) -> None:
    port = free_port()
    with _program(EXPORTER_PORT=str(port), AIRFLOW_URL=airflow.url, MLFLOW_TRACKING_URI=UNREACHABLE) as process:
        assert _get(f"http://127.0.0.1:{port}/health").status_code == 200
        assert airflow.requested == [], "the health page reads no target"
        assert _get(f"http://127.0.0.1:{port}/elsewhere").status_code == 404
        names = {
            family.name for family in text_string_to_metric_families(_get(f"http://127.0.0.1:{port}/metrics").text)
        }
        accept = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
        open_metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", headers=accept, timeout=30)
        assert open_metrics.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert {family.name for family in open_metrics_families(open_metrics.text)} >= {"airflow_up", "mlflow_up"}
        assert {
            "airflow_up",
            "mlflow_up",
            "warehouse_up",
            "exporter_scrape_errors",
            "process_resident_memory_bytes",
        } <= names
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_port_in_use_is_logged_with_the_setting_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with _program(EXPORTER_PORT=str(taken.getsockname()[1])) as process:
            _, errors = process.communicate(timeout=20)
        assert process.returncode == 2
        assert "set EXPORTER_PORT" in errors
        assert "Traceback" not in errors


def test_a_malformed_setting_is_named() -> None:
    with _program(AIRFLOW_URL="airflow:8080") as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "AIRFLOW_URL" in errors
    assert "Traceback" not in errors
