"""Every expression has had data on the running stack, under load and after the drills, or is listed with the reason."""

import time
from collections.abc import Iterator

import httpx
import pytest

from infra.local.settings import ROOT
from tests.observability.expressions import Expression, of_dashboards, of_recording_rules, selectors_of_alerts
from tests.observability.watched import Platform

LOAD_SECONDS = 20
REPORT = ROOT / "build" / "observability.md"
"""What each of them was the last time that this ran."""

ELSEWHERE = {
    "container_": "cAdvisor, which runs in Docker Compose only",
}
"""Beginnings of metrics that are not here, and what makes them appear."""
SELECTED_ELSEWHERE = {
    'dag:success_age_seconds:last{dag_id="auto_model_train_diabetes"}': "a search, which takes long",
}

EXPRESSIONS = [*of_dashboards(), *of_recording_rules(), *selectors_of_alerts()]


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
def told() -> Iterator[list[str]]:
    """Lines of the report, written at the end."""
    lines: list[str] = []
    yield lines
    REPORT.write_text("| where | series | last value |\n|---|---|---|\n" + "".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda expression: expression.place)
def test_an_expression_has_had_data(watched: Platform, told: list[str], expression: Expression) -> None:
    found = watched.prometheus.history(expression.text, watched.begun)
    why = SELECTED_ELSEWHERE.get(expression.text) or _reason(expression)
    last = f"{float(found[0]['values'][-1][1]):.4g}" if found else f"none: needs {why}"
    told.append(f"| {expression.place.replace('|', '/')} | {len(found)} | {last} |")
    assert bool(found) != bool(why), f"listed as one that needs {why}, and is here" if found else "no data at any time"


def _reason(expression: Expression) -> str:
    """Why the expression may be without data; empty when it may not."""
    needs = (why for start, why in ELSEWHERE.items() if any(name.startswith(start) for name in expression.names))
    return next(needs, "")
