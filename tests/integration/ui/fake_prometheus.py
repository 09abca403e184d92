"""Prometheus's HTTP contract for the tests of the Monitoring page: values by query, and the platform's own rules."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from ml.schema import FEATURES
from tests.integration.ui.conftest import Platform, ReceivedRequest, Reply
from tests.unit.infra.prometheus.prometheus_files import alerts
from ui.clients import service_health
from ui.monitoring import queries
from ui.monitoring.queries import QUERIES, Query
from ui.monitoring.window import Window

Row = tuple[dict[str, str], float]
FOUND_AT = 1_780_000_000.0
"""28 May 2026, 20:26 UTC: when the last run of monitor_diabetes ended."""

OF_THE_HEALTH_CHECK = (service_health.DATA, service_health.WAREHOUSE, service_health.BACKUPS)
AIRFLOW = {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "healthy"}}
MONITORING: dict[str, Any] = {
    "run": None,
    "drift": [],
    "quality": [],
    "decisions": [
        {
            "decided_at": "2026-05-04T02:12:09+00:00",
            "action": "promoted",
            "version": "3",
            "incumbent": "2",
            "actor": "Airflow",
            "rule": "better",
            "reason": "AUROC is better: +0.00512 (+0.00101 to +0.00933)",
            "completed_at": "2026-05-04T02:12:10+00:00",
        },
    ],
}
"""An answer of GET /monitoring. The tests without Prometheus use that of the real API."""


@dataclass
class FakePrometheus:
    """Answers queries. ``failing`` ones answer 500; a query without rows has no data."""

    rows: dict[Query, list[Row]] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    failing: set[Query] = field(default_factory=set)
    rules_fail: bool = False
    received: list[str] = field(default_factory=list)
    is_down: bool = False
    before_reply: Callable[[], object] = bool
    """Called before the reply to a query of the page."""
    up: dict[str, int] = field(default_factory=lambda: {"grafana": 1, "alertmanager": 1})

    def attach(self, platform: Platform) -> "FakePrometheus":
        """Answer at the platform's address."""
        platform.more[("POST", "/api/v1/query")] = self.query
        platform.more[("POST", "/api/v1/query_range")] = self.query
        platform.more[("GET", "/api/v1/rules")] = self.rules
        for path in ("/ready", "/-/ready", "/health", "/"):
            platform.more[("GET", path)] = lambda _: (200, {"status": "ready"})
        platform.more[("GET", "/api/v2/monitor/health")] = lambda _: (200, AIRFLOW)
        platform.more[("GET", "/monitoring")] = lambda _: (200, MONITORING)
        return self

    def query(self, request: ReceivedRequest) -> Reply:
        """The answer to an instant or a range query."""
        if self.is_down:
            return 503, b"Service Unavailable"
        parameters = dict(parse_qsl(request.body.decode()))
        if parameters["query"] == service_health.UP:
            return 200, _answer([{"metric": {"job": job}, "value": [0, str(up)]} for job, up in self.up.items()])
        if parameters["query"] in OF_THE_HEALTH_CHECK:
            return 200, _answer([])
        self.received.append(parameters["query"])
        self.before_reply()
        query = next((one for one in QUERIES if parameters["query"] in {one.within(window) for window in Window}), None)
        if query is None or query in self.failing:
            return 500, {"status": "error", "errorType": "internal", "error": "broken"}
        rows = self.rows.get(query, [])
        if "step" not in parameters:
            return 200, _answer([{"metric": labels, "value": [time.time(), str(value)]} for labels, value in rows])
        start, end, step = (float(parameters[name]) for name in ("start", "end", "step"))
        moments = [start + step * number for number in range(int((end - start) / step) + 1)]
        return 200, _answer(
            [{"metric": labels, "values": [[at, str(value)] for at in moments]} for labels, value in rows]
        )

    def rules(self, _request: ReceivedRequest) -> Reply:
        """The answer of /api/v1/rules: the platform's alerting rules, and others for alerts of another name."""
        if self.is_down or self.rules_fail:
            return 503, b"Service Unavailable"
        expressions = {alert["labels"]["alertname"]: "up == 0" for alert in self.alerts}
        expressions |= {rule["alert"]: rule["expr"] for rule in alerts()}
        found = [
            {
                "type": "alerting",
                "name": name,
                "query": expression,
                "alerts": [alert for alert in self.alerts if alert["labels"]["alertname"] == name],
            }
            for name, expression in expressions.items()
        ]
        return 200, {"status": "success", "data": {"groups": [{"name": "all", "rules": found}]}}


def _answer(result: list[dict[str, Any]]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def busy() -> FakePrometheus:
    """A platform in use: traffic, a run that found drift, two versions with outcomes, three alerts."""
    found = FakePrometheus()
    found.rows = traffic() | scores() | drift(1) | quality()
    found.alerts = [
        alert("ApiSlow", "warning", "pending", "One prediction request in twenty takes longer than 612ms"),
        alert("DriftDetected", "warning", "firing", "The model is asked about other patients than it was trained on"),
        alert("ApiDown", "critical", "firing", "The prediction API api:8000 does not answer"),
    ]
    return found


def alert(name: str, severity: str, state: str, summary: str) -> dict[str, Any]:
    """A pending or firing alert."""
    return {
        "labels": {"alertname": name, "severity": severity},
        "annotations": {"summary": summary, "runbook_url": f"http://localhost:8501/runbooks?name={name}"},
        "state": state,
        "activeAt": "2026-05-28T20:30:00.123456789Z",
        "value": "1e+00",
    }


def traffic() -> dict[Query, list[Row]]:
    """Requests, latencies and errors."""
    of_now: dict[Query, float] = {
        queries.REQUESTS_NOW: 12.5,
        queries.P95_NOW: 0.0184,
        queries.P99_NOW: 1.25,
        queries.FAILING_NOW: 0.002,
        queries.SERVED_NOW: 3,
    }
    of_lines: dict[Query, list[Row]] = {
        queries.RESPONSES: [({"status": "200"}, 12.4), ({"status": "422"}, 0.1)],
        queries.P50: [({}, 0.004)],
        queries.P95: [({}, 0.0184)],
        queries.P99: [({}, 1.25)],
        queries.PREDICTIONS: [({"model_version": "3"}, 40.0)],
        queries.FAILING: [({"route": "/predict"}, 0.002)],
    }
    return {query: [({}, value)] for query, value in of_now.items()} | dict(of_lines)


def scores() -> dict[Query, list[Row]]:
    """A histogram of predicted risk: 100 below 10 %, 100 from there to 20 %."""
    return {queries.SCORES: [({"le": "0.1"}, 100), ({"le": "0.2"}, 200), ({"le": "1.0"}, 200), ({"le": "+Inf"}, 200)]}


def drift(code: int) -> dict[Query, list[Row]]:
    """A run with this state; with drift, the values of one feature drift and how often another is known."""
    names = [column.name for column in FEATURES[:12]]
    drifted = {("value", "age"), ("known", "weight")} if code == 1 else set()
    tests = [*(("value", name) for name in names), *(("known", name) for name in names), ("score", "probability")]
    labels = [({"kind": kind, "feature": feature}, (kind, feature) in drifted) for kind, feature in tests]
    return {
        queries.DATABASE_UP: [({}, 1)],
        queries.RUN_STATE: [({}, code)],
        queries.RUN_TIME: [({}, FOUND_AT)],
        queries.RUN_PREDICTIONS: [({}, 1234)],
        queries.DRIFT_STATE: [(one, 1.0 if code == 1 and is_drift else min(code, 0)) for one, is_drift in labels],
        queries.DRIFT_DISTANCE: [(one, 0.214 if is_drift else 0.021) for one, is_drift in labels] if code >= 0 else [],
        queries.DRIFT_THRESHOLD: [(one, 0.087) for one, _is_drift in labels] if code >= 0 else [],
    }


def quality() -> dict[Query, list[Row]]:
    """Version 3 measured and estimated, version 2 measured only."""
    rows: list[Row] = []
    for version, value in (("3", 0.671), ("2", 0.655)):
        for metric in ("auroc", "average_precision", "brier", "ece", "calibration_intercept", "calibration_slope"):
            of_metric = {"model_version": version, "subgroup": "all", "metric": metric}
            bounds = {"value": value, "low": value - 0.03, "high": value + 0.03}
            rows += [(of_metric | {"bound": bound}, figure) for bound, figure in bounds.items()]
    return {
        queries.REALISED: rows,
        queries.ESTIMATED: [({"model_version": "3", "metric": "auroc"}, 0.664)],
        queries.OUTCOMES: [({"model_version": "3"}, 812), ({"model_version": "2"}, 2040)],
        queries.COVERAGE: [({"model_version": "3"}, 0.82), ({"model_version": "2"}, 0.9)],
    }
