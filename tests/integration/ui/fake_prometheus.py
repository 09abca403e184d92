"""Prometheus's contract for the page's tests: figures by question, and the states a test can ask for."""

import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from ml.schema import FEATURES
from tests.integration.ui.conftest import Platform, ReceivedRequest, Reply
from ui.monitoring import expressions as ask
from ui.monitoring.expressions import Now, OverTime, Question
from ui.monitoring.window import Window

Row = tuple[dict[str, str], float]
FOUND_AT = 1_780_000_000.0
"""28 May 2026, 20:26 UTC: when the last run of monitor_diabetes ended."""


@dataclass
class FakePrometheus:
    """Answers by question. ``failing`` ones answer 500; what is not there has no data."""

    rows: dict[Question, list[Row]] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    failing: set[Question] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    is_away: bool = False

    def attach(self, platform: Platform) -> "FakePrometheus":
        """Answer on the platform's address."""
        platform.more[("POST", "/api/v1/query")] = self.query
        platform.more[("POST", "/api/v1/query_range")] = self.query
        platform.more[("GET", "/api/v1/alerts")] = self.firing
        platform.more[("GET", "/ready")] = lambda _: (200, {"status": "ready"})
        return self

    def query(self, asked: ReceivedRequest) -> Reply:
        """The answer to a question, of now or over time."""
        if self.is_away:
            return 503, b"Service Unavailable"
        given = dict(parse_qsl(asked.body.decode()))
        self.asked.append(given["query"])
        question = next(
            (one for one in ask.QUESTIONS if given["query"] in {one.within(window) for window in Window}), None
        )
        if question is None or question in self.failing:
            return 500, {"status": "error", "errorType": "internal", "error": "broken"}
        rows = self.rows.get(question, [])
        if "step" not in given:
            return 200, _answer([{"metric": labels, "value": [time.time(), str(value)]} for labels, value in rows])
        start, end, step = (float(given[name]) for name in ("start", "end", "step"))
        moments = [start + step * number for number in range(int((end - start) / step) + 1)]
        return 200, _answer(
            [{"metric": labels, "values": [[at, str(value)] for at in moments]} for labels, value in rows]
        )

    def firing(self, _asked: ReceivedRequest) -> Reply:
        """The answer of /api/v1/alerts."""
        return (503, b"") if self.is_away else (200, {"status": "success", "data": {"alerts": self.alerts}})


def _answer(result: list[dict[str, Any]]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def busy() -> FakePrometheus:
    """A platform under way: traffic, a run that found drift, two versions with outcomes, two alerts."""
    found = FakePrometheus()
    found.rows = traffic() | scores() | drift(1) | quality()
    found.alerts = [
        alert("ApiSlow", "warning", "pending", "One prediction request in twenty takes longer than 612ms"),
        alert("DriftDetected", "warning", "firing", "The model is asked about other patients than it was trained on"),
        alert("ApiDown", "critical", "firing", "The prediction API api:8000 does not answer"),
    ]
    return found


def alert(name: str, severity: str, state: str, summary: str) -> dict[str, Any]:
    """An alert as Prometheus tells it."""
    return {
        "labels": {"alertname": name, "severity": severity},
        "annotations": {"summary": summary, "runbook": f"docs/runbooks/{name}.md"},
        "state": state,
        "activeAt": "2026-05-28T20:30:00.123456789Z",
        "value": "1e+00",
    }


def traffic() -> dict[Question, list[Row]]:
    """Requests, latencies and errors."""
    of_now: dict[Now, float] = {
        ask.REQUESTS_NOW: 12.5,
        ask.P95_NOW: 0.0184,
        ask.P99_NOW: 1.25,
        ask.FAILING_NOW: 0.002,
        ask.SERVED_NOW: 3,
        ask.FIRING_NOW: 2,
    }
    of_lines: dict[OverTime, list[Row]] = {
        ask.ANSWERS: [({"status": "200"}, 12.4), ({"status": "422"}, 0.1)],
        ask.P50: [({}, 0.004)],
        ask.P95: [({}, 0.0184)],
        ask.P99: [({}, 1.25)],
        ask.PREDICTIONS: [({"model_version": "3"}, 40.0)],
        ask.FAILING: [({"route": "/predict"}, 0.002)],
    }
    return {question: [({}, figure)] for question, figure in of_now.items()} | dict(of_lines)


def scores() -> dict[Question, list[Row]]:
    """A histogram of predicted risk: 100 below 10 %, 100 from there to 20 %."""
    return {ask.SCORES: [({"le": "0.1"}, 100), ({"le": "0.2"}, 200), ({"le": "1.0"}, 200), ({"le": "+Inf"}, 200)]}


def drift(code: int) -> dict[Question, list[Row]]:
    """A run with this state. Where it is drift: of the values of one feature, and of how often another is given."""
    names = [column.name for column in FEATURES[:12]]
    drifted = {("value", "age"), ("known", "weight")} if code == 1 else set()
    tests = [*(("value", name) for name in names), *(("known", name) for name in names), ("score", "probability")]
    labels = [({"kind": kind, "feature": feature}, (kind, feature) in drifted) for kind, feature in tests]
    return {
        ask.DATABASE_UP: [({}, 1)],
        ask.RUN_STATE: [({}, code)],
        ask.RUN_TIME: [({}, FOUND_AT)],
        ask.RUN_PREDICTIONS: [({}, 1234)],
        ask.DRIFT_STATE: [(one, 1.0 if code == 1 and is_drift else min(code, 0)) for one, is_drift in labels],
        ask.DRIFT_DISTANCE: [(one, 0.214 if is_drift else 0.021) for one, is_drift in labels] if code >= 0 else [],
        ask.DRIFT_THRESHOLD: [(one, 0.087) for one, _is_drift in labels] if code >= 0 else [],
    }


def quality() -> dict[Question, list[Row]]:
    """Version 3 measured and estimated, version 2 measured only."""
    rows: list[Row] = []
    for version, value in (("3", 0.671), ("2", 0.655)):
        for metric in ("auroc", "average_precision", "brier", "ece", "calibration_intercept", "calibration_slope"):
            of_metric = {"model_version": version, "subgroup": "all", "metric": metric}
            bounds = {"value": value, "low": value - 0.03, "high": value + 0.03}
            rows += [(of_metric | {"bound": bound}, figure) for bound, figure in bounds.items()]
    return {
        ask.REALISED: rows,
        ask.ESTIMATED: [({"model_version": "3", "metric": "auroc"}, 0.664)],
        ask.OUTCOMES: [({"model_version": "3"}, 812), ({"model_version": "2"}, 2040)],
        ask.COVERAGE: [({"model_version": "3"}, 0.82), ({"model_version": "2"}, 0.9)],
    }
