"""Load tests run as a Locust process against a small HTTP server.

Locust is not imported here, because it patches the whole process for gevent.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from infra.local.supervision.probes import free_port

ROOT = Path(__file__).parents[3]
LOCUSTFILE = "locust/locustfile.py"
LOCUST = [str(Path(sys.executable).with_name("locust"))]
MODULE = [sys.executable, "-m", "locust"]

Responder = Callable[[list[dict[str, Any]]], tuple[int, dict[str, Any]]]


@dataclass
class Service:
    """A substitute for the prediction service that records the requests."""

    url: str
    marks: list[str | None] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    batches: list[list[dict[str, Any]]] = field(default_factory=list)


def valid(records: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    model = {"name": "diabetes-readmission", "version": "3", "data_source": "synthetic"}
    return 200, {"predictions": [0.18] * len(records), "model": model, "request_id": "r"}


def too_few(records: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    status, body = valid(records)
    return status, body | {"predictions": body["predictions"][1:]}


def no_model(records: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    return 503, {"status": 503, "detail": "no production model yet: run train_models_diabetes_simple"}


def test_a_healthy_service_passes_and_receives_marked_requests() -> None:
    with _service(valid) as service:
        run = _locust(MODULE, "--headless", "-u", "20", "-r", "20", "-t", "5s", "--only-summary", host=service.url)

    assert run.returncode == 0, run.stdout
    assert set(service.marks) == {"1"}
    assert set(service.keys) == {None}
    assert 1 in map(len, service.batches)
    assert max(map(len, service.batches)) >= 10, "batches are sent too"
    assert "/predict one, full" in run.stdout


@pytest.mark.parametrize(
    ("responder", "error"),
    [(too_few, "another number of predictions than records"), (no_model, "503: no production model yet")],
)
def test_an_invalid_response_fails_the_run_and_is_reported(responder: Responder, error: str) -> None:
    with _service(responder) as service:
        run = _locust(MODULE, "--headless", "-u", "4", "-r", "4", "-t", "6s", "--only-summary", host=service.url)

    assert run.returncode == 1
    assert error in run.stdout
    assert "No request had a valid response" in run.stdout


def test_an_unreachable_service_fails_the_run() -> None:
    unreachable = f"http://127.0.0.1:{free_port()}"
    run = _locust(MODULE, "--headless", "-u", "2", "-r", "2", "-t", "6s", "--only-summary", host=unreachable)

    assert run.returncode == 1
    assert "is the API running" in run.stdout


def test_a_run_without_a_request_fails() -> None:
    with _service(valid) as service:
        run = _locust(MODULE, "--headless", "-u", "0", "-t", "1s", "--only-summary", host=service.url)

    assert run.returncode == 1
    assert "No request had a valid response" in run.stdout


def test_metrics_are_served_on_the_web_port() -> None:
    port = free_port()
    web = ["--web-host", "127.0.0.1", "--web-port", str(port), "--autostart", "--autoquit", "1"]
    with _service(valid) as service:
        run = _start(MODULE, *web, "-u", "10", "-r", "10", "-t", "8s", host=service.url)
        try:
            lines = _metrics_with(f"http://127.0.0.1:{port}/metrics", 'locust_response_time_seconds{name="/predict one')
            stats = httpx.get(f"http://127.0.0.1:{port}/stats/requests", trust_env=False)
            accept = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
            open_metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", headers=accept, trust_env=False)
            output, _ = run.communicate(timeout=60)
        finally:
            run.kill()

    assert run.returncode == 0, output
    assert stats.status_code == 200
    assert open_metrics.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name for family in text_string_to_metric_families(open_metrics.text)}
    assert {"locust_users", "locust_requests", "locust_response_time_seconds"} <= families
    metrics = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}
    assert metrics["locust_users"] == 10
    assert metrics['locust_requests_total{method="POST",name="/predict one, full"}'] > 0
    assert metrics['locust_failures_total{method="POST",name="/predict one, full"}'] == 0
    assert "locust_current_rps" in metrics
    assert {'quantile="0.5"', 'quantile="0.95"', 'quantile="0.99"'} <= {
        part.strip("}") for name in metrics for part in name.replace("{", ",").split(",")
    }


def test_without_options_the_page_serves_the_root_and_loads_only_the_api_for_itself() -> None:
    """As written in the README, in the root of the repository: the page, and what it refuses."""
    with _service(valid) as service, _service(valid) as other:
        url = f"http://127.0.0.1:{(port := free_port())}"
        command = [*LOCUST, "--host", service.url]
        run = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"LOCUST_WEB_PORT": str(port), "API_KEY": "secret"})
        try:
            assert _metrics_with(f"{url}/metrics", "locust_users")
            form = {"user_count": "2", "spawn_rate": "2"}

            def swarm(host: str, **headers: str) -> httpx.Response:
                return httpx.post(f"{url}/swarm", data={**form, "host": host}, headers=headers)

            refused = swarm(other.url).json()
            foreign = swarm(service.url, Origin="http://localhost:8501")
            assert not refused["success"]
            assert service.url in refused["message"]
            assert foreign.status_code == 403
            assert "locust_users 0" in "".join(_metrics_with(f"{url}/metrics", "locust_users"))
            assert swarm(f"{service.url}/", Origin=url).json()["success"]
            _metrics_with(f"{url}/metrics", 'locust_requests_total{method="POST",name="/predict one')
        finally:
            run.terminate()
            run.wait(30)
    assert set(service.keys) == {"secret"}
    assert not other.keys


@pytest.mark.parametrize("program", [LOCUST, MODULE], ids=["console script", "module"])
def test_the_library_is_not_shadowed_by_the_folder_of_its_name(program: list[str]) -> None:
    run = _locust(program, "--list")

    assert run.returncode == 0, run.stdout
    assert {"BatchUser", "SingleUser"} <= set(run.stdout.split())


def test_an_unknown_shape_is_refused() -> None:
    run = _locust(MODULE, "--list", LOAD_SHAPE="pyramid")

    assert run.returncode == 1
    assert "LOAD_SHAPE is 'pyramid', expected one of ramp, spike, soak" in run.stdout


def test_a_configured_key_is_sent_also_to_a_host_with_a_trailing_slash() -> None:
    options = ("--headless", "-u", "2", "-r", "2", "-t", "6s", "--only-summary")
    with _service(valid) as service:
        run = _locust(MODULE, *options, host=f"{service.url}/", API_KEY="the key")

    assert run.returncode == 0, run.stdout
    assert set(service.keys) == {"the key"}


def test_a_shape_runs_through_its_stages_and_ends() -> None:
    code = (
        "import json, time; from shapes import SHAPES; shape = SHAPES['spike'](); seen = []\n"
        "for elapsed in (0, 59, 61, 89, 91, 179, 181):\n"
        "    shape.start_time = time.perf_counter() - elapsed\n"
        "    seen.append(shape.tick())\n"
        "print(json.dumps(seen))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "locust"), "LOCUST_SKIP_MONKEY_PATCH": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True
    )

    rush, calm = [300, 100], [20, 100]
    assert json.loads(run.stdout) == [[20, 10], [20, 10], rush, rush, calm, calm, None]


@contextmanager
def _service(responder: Responder) -> Iterator[Service]:
    app = FastAPI()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        service = Service(f"http://127.0.0.1:{listening.getsockname()[1]}")

        @app.post("/predict")
        async def predict(request: Request) -> Response:
            records = (await request.json())["records"]
            service.marks.append(request.headers.get("x-load-test"))
            service.keys.append(request.headers.get("x-api-key"))
            service.batches.append(records)
            status, body = responder(records)
            return Response(json.dumps(body), status, media_type="application/json")

        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield service
        finally:
            server.should_exit = True
            thread.join(timeout=30)


def _start(program: list[str], *options: str, host: str = "", **variables: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LOCUST_HOST": host} | variables
    return subprocess.Popen(
        [*program, "-f", LOCUSTFILE, *options],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _locust(program: list[str], *options: str, host: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    with _start(program, *options, host=host, **variables) as process:
        try:
            output, _ = process.communicate(timeout=90)
        finally:
            process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, output)


def _metrics_with(url: str, start: str) -> list[str]:
    """Poll the metrics page until a line begins with ``start``; returns all lines."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            lines = httpx.get(url, trust_env=False).text.splitlines()
        except httpx.TransportError:
            lines = []
        if any(line.startswith(start) for line in lines):
            return lines
        time.sleep(0.3)
    raise AssertionError(f"no line of {url} begins with {start}")
