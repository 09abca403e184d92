"""Every expression has had data on the running stack, under load and after the drills, or is listed with the reason."""

import time
from collections.abc import Iterator

import httpx
import pytest

from infra.local.settings import ROOT
from tests.observability.watched import Platform
from tests.support.expressions import EXPRESSIONS, Expression, Report

LOAD_SECONDS = 20

ELSEWHERE = {
    "container_": "cAdvisor, which runs in Docker Compose only",
}
"""Beginnings of metrics that are not here, and what makes them appear."""
SELECTED_ELSEWHERE = {
    'dag:success_age_seconds:last{dag_id="auto_model_train_diabetes"}': "a search, which takes long",
}


@pytest.fixture(scope="module")
def watched(platform: Platform) -> Iterator[Platform]:
    """The stack under a light load of Locust and of ordinary clients, with outcomes of months that were simulated."""
    platform.simulate()
    platform.monitor()
    locust = platform.native.url(8089)
    form = {"user_count": "4", "spawn_rate": "4", "host": platform.native.url(8000)}
    httpx.post(f"{locust}/swarm", data=form, timeout=30).raise_for_status()
    until = time.monotonic() + LOAD_SECONDS
    while time.monotonic() < until:
        assert platform.predict({"gender": "Female", "race": None}) == 200
        time.sleep(0.2)
    yield platform
    httpx.get(f"{locust}/stop", timeout=30)


@pytest.fixture(scope="module")
def report() -> Iterator[Report]:
    report = Report(ROOT / "build" / "observability.md")
    yield report
    report.write()


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda expression: expression.place)
def test_an_expression_has_had_data(watched: Platform, report: Report, expression: Expression) -> None:
    why = SELECTED_ELSEWHERE.get(expression.text) or _reason(expression)
    report.check(watched.prometheus, expression, watched.begun, why)


def _reason(expression: Expression) -> str:
    """Why the expression may be without data; empty when it may not."""
    needs = (why for start, why in ELSEWHERE.items() if any(name.startswith(start) for name in expression.names))
    return next(needs, "")
