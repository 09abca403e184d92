"""A small platform over real HTTP: the API's and MLflow's contract, with every state a test can ask for."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import exp
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ml.schema import ICD9_PATTERN

APP = Path(__file__).parents[3] / "ui" / "app.py"
ALIAS = "/api/2.0/mlflow/registered-models/alias"
NO_MODEL = "no production model yet: run train_models_diabetes_simple"


@dataclass
class Platform:
    """The states of both services; a test changes them while the app runs."""

    served: str | None = "3"
    registered: str | None = "3"
    data_source: str = "real"
    refused: dict[str, str] | None = None
    mlflow_status: int = 200
    api_status: int = 200
    delay: float = 0.0
    unmeasured: tuple[str, ...] = ()
    url: str = ""
    records: list[dict[str, Any]] = field(default_factory=list)

    def model(self) -> tuple[int, dict[str, Any]]:
        """The answer of GET /model."""
        if self.served is None:
            return 503, self.problem(503, NO_MODEL)
        nothing = {"value": None, "low": None, "high": None}
        interval = {"value": 0.6712, "low": 0.6588, "high": 0.6829}
        return 200, {
            "name": "diabetes-readmission",
            "version": self.served,
            "algorithm": "random_forest",
            "data_source": self.data_source,
            "data_version": "5f2c9a7be01d",
            "trained_at": "2026-05-04T02:11:09+00:00",
            "metrics": {
                "auroc": interval,
                "average_precision": {"value": 0.2234, "low": 0.2101, "high": 0.2379},
                "brier": {"value": 0.0951, "low": 0.0922, "high": 0.0979},
                "ece": {"value": 0.0061, "low": 0.0043, "high": 0.0109},
                **dict.fromkeys(self.unmeasured, nothing),
            },
            "prevalence": 0.1139,
            "risk_quantiles": [0.095 * exp(0.5 * NormalDist().inv_cdf((i + 0.5) / 102)) for i in range(101)],
            "loaded_at": "2026-05-04T02:12:00+00:00",
            "registry": {"reachable": True, "version": self.registered, "checked_at": "2026-05-04T02:12:00+00:00"},
            "refused": self.refused,
        }

    def alias(self) -> tuple[int, dict[str, Any]]:
        """The answer of MLflow for the alias production."""
        if self.mlflow_status != 200:
            return self.mlflow_status, {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "database away"}
        if self.registered is None:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Registered Model not found"}
        tags = [{"key": "data_source", "value": self.data_source}, {"key": "algorithm", "value": "random_forest"}]
        return 200, {"model_version": {"name": "diabetes-readmission", "version": self.registered, "tags": tags}}

    def predict(self, record: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The answer of POST /predict."""
        if self.served is None:
            return 503, self.problem(503, NO_MODEL)
        self.records.append(record)
        faults = [
            {
                "record": 0,
                "field": name,
                "value": value,
                "message": f"{name} must be an ICD-9-CM code such as 428",
                "allowed": None,
            }
            for name, value in record.items()
            if name.startswith("diag_") and not re.match(ICD9_PATTERN, value)
        ]
        if faults:
            return 422, self.problem(422, "1 field is not valid.", faults)
        return 200, {
            "predictions": [0.18],
            "model": {"name": "diabetes-readmission", "version": self.served, "data_source": self.data_source},
            "request_id": "0f1e2d3c",
        }

    def problem(self, status: int, detail: str, errors: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """A problem+json body."""
        return {"type": "about:blank", "title": "Problem", "status": status, "detail": detail, "errors": errors or []}


def serve(platform: Platform, port: int = 0) -> ThreadingHTTPServer:
    """A server of the platform's answers; the caller runs and closes it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(platform.alias if self.path.startswith(ALIAS) else platform.model)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(lambda: platform.predict(body["records"][0]))

        def answer(self, make: Callable[[], tuple[int, dict[str, Any]]]) -> None:
            time.sleep(platform.delay)
            status, body = make()
            if platform.api_status != 200 and not self.path.startswith(ALIAS):
                status, body = platform.api_status, {}
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if status == 200 else "application/problem+json")
            self.send_header("Content-Length", str(len(raw)))
            with suppress(ConnectionError):  # a client that has given up waiting
                self.end_headers()
                self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
            """Quiet: a test reads answers, not logs."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = False  # closing it waits for the answers under way
    platform.url = f"http://127.0.0.1:{server.server_port}"
    return server


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Platform]:
    """The platform, running, with the settings of the app pointing at it."""
    state = Platform()
    server = serve(state)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_URL", state.url)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", state.url)
    monkeypatch.setenv("AIRFLOW_PUBLIC_URL", "http://airflow.example:8080")
    monkeypatch.setenv("HTTP_TIMEOUT_SECONDS", "5")
    st.cache_resource.clear()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        st.cache_resource.clear()


@pytest.fixture
def app(platform: Platform) -> AppTest:
    """The app, not yet run, so that a test can set the scene first."""
    return AppTest.from_file(str(APP), default_timeout=30)
