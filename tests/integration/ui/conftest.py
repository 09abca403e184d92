"""Fake platform over real HTTP: responses of the API and MLflow in every state that tests need."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import exp
from pathlib import Path
from statistics import NormalDist
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ml.schema import FEATURES, ICD9_PATTERN

APP = Path(__file__).parents[3] / "ui" / "app.py"
ALIAS = "/api/2.0/mlflow/registered-models/alias"
NO_MODEL = "no production model yet: run train_models_diabetes_simple"


@dataclass(frozen=True)
class ReceivedRequest:
    """A request."""

    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


Reply = tuple[int, Any]
"""Status, and the body: bytes, or a value to send as JSON."""


@dataclass
class Platform:
    """State of the services. A test changes it while the app runs, and adds handlers for other paths in ``more``."""

    served: str | None = "3"
    registered: str | None = "3"
    provenance: str = "real"
    refused: dict[str, str] | None = None
    mlflow_status: int = 200
    api_status: int = 200
    delay: float = 0.0
    before_reply: Callable[[str], object] = bool
    """Called with the path of every request before its response, for example to wait for other requests."""
    unmeasured: tuple[str, ...] = ()
    url: str = ""
    records: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    """Sent with every response."""
    more: dict[tuple[str, str], Callable[[ReceivedRequest], Reply]] = field(default_factory=dict)
    """Handlers by method and path; they take precedence over the built-in ones."""

    def reply(self, method: str, request: ReceivedRequest) -> Reply:
        """The response to a request."""
        is_of_mlflow = request.path.startswith("/api/2.0/mlflow/")
        if self.api_status != 200 and not is_of_mlflow:
            return self.api_status, {}
        if answer := self.more.get((method, request.path)):
            return answer(request)
        if (method, request.path) == ("GET", ALIAS):
            return self.alias()
        if (method, request.path) == ("GET", "/model"):
            return self.model()
        if (method, request.path) == ("POST", "/predict"):
            return self.predict(request.json()["records"][0])
        return 404, {"title": "Not Found", "detail": f"there is no {request.path}"}

    def model(self) -> Reply:
        """The response to GET /model."""
        if self.served is None:
            return 503, self.problem(503, NO_MODEL)
        nothing = {"value": None, "low": None, "high": None}
        interval = {"value": 0.6712, "low": 0.6588, "high": 0.6829}
        return 200, {
            "name": "diabetes-readmission",
            "version": self.served,
            "algorithm": "random_forest",
            "data_source": self.provenance,
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
            "completeness": {
                "weights": {column.name: 1 / len(FEATURES) for column in FEATURES},
                "information": [0.0, 0.5, 1.0],
                "auroc_without_history": [0.5, 0.62, 0.67],
                "auroc_with_history": [0.55, 0.64, 0.68],
            },
            "interval_coverage": 0.9,
            "loaded_at": "2026-05-04T02:12:00+00:00",
            "registry": {"reachable": True, "version": self.registered, "checked_at": "2026-05-04T02:12:00+00:00"},
            "refused": self.refused,
        }

    def alias(self) -> Reply:
        """The response of MLflow for the alias production."""
        if self.mlflow_status != 200:
            return self.mlflow_status, {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "database away"}
        if self.registered is None:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Registered Model not found"}
        tags = [{"key": "data_source", "value": self.provenance}, {"key": "algorithm", "value": "random_forest"}]
        return 200, {"model_version": {"name": "diabetes-readmission", "version": self.registered, "tags": tags}}

    def predict(self, record: dict[str, Any]) -> Reply:
        """The response to POST /predict."""
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
            "known_fields": [len(record)],
            "reliability": [0.61],
            "history": ["none"],
            "outside_population": [None],
            "warnings": [],
            "intervals": [[0.11, 0.27]],
            "model": {"name": "diabetes-readmission", "version": self.served, "data_source": self.provenance},
            "request_id": "0f1e2d3c",
        }

    def problem(self, status: int, detail: str, errors: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """A problem+json body."""
        return {"type": "about:blank", "title": "Problem", "status": status, "detail": detail, "errors": errors or []}


def serve(platform: Platform, port: int = 0) -> ThreadingHTTPServer:
    """Create the server of a platform; the caller runs and closes it."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            time.sleep(platform.delay)
            url = urlsplit(self.path)
            platform.before_reply(url.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = dict(parse_qsl(url.query))
            status, given = platform.reply(self.command, ReceivedRequest(url.path, query, dict(self.headers), body))
            raw = given if isinstance(given, bytes) else json.dumps(given).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if status == 200 else "application/problem+json")
            self.send_header("Content-Length", str(len(raw)))
            for name, value in platform.headers.items():
                self.send_header(name, value)
            with suppress(ConnectionError):  # a client that has given up waiting
                self.end_headers()
                self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_PATCH = answer  # noqa: N815  the base class names them so

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
            """No log: it would hide the output of the test."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = False  # closing it waits for the answers under way
    platform.url = f"http://127.0.0.1:{server.server_port}"
    return server


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Platform]:
    """A running platform; the settings of the app have its address."""
    state = Platform()
    server = serve(state)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.chdir(tmp_path)
    for name in ("API_URL", "MLFLOW_TRACKING_URI", "AIRFLOW_URL", "PROMETHEUS_URL", "LOCUST_URL"):
        monkeypatch.setenv(name, state.url)
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
    """The app before its first run, so that a test can change the platform."""
    return AppTest.from_file(str(APP), default_timeout=30)
