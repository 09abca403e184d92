"""Every expression has had data on the running stack after the drills and under load, except for listed ones."""

import time
from collections.abc import Iterator

import httpx
import pytest

from infra.local.settings import ROOT
from tests.observability.platform import Platform
from tests.support.expressions import EXPRESSIONS, Expression, Report

LOAD_SECONDS = 20
COMMAND_SECONDS = 300.0

ELSEWHERE = {
    "container_": "cAdvisor, which runs in Docker Compose only",
}
"""Prefixes of metrics that this stack does not have, and their source."""
SELECTED_ELSEWHERE = {
    'dag:success_age_seconds:last{dag_id="auto_model_train_diabetes"}': "a search, which takes long",
}


@pytest.fixture(scope="module")
def loaded(platform: Platform) -> Iterator[Platform]:
    """The stack under a light load of Locust and of another client, with simulated outcomes of months, and a backup."""
    done = platform.native.run("make backup backup-verify; .venv/bin/python -m ml retain --apply", COMMAND_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    platform.simulate()
    platform.monitor()
    locust = platform.native.url(8089)
    form = {"user_count": "4", "spawn_rate": "4", "host": platform.native.url(8000)}
    httpx.post(f"{locust}/swarm", data=form, timeout=30).raise_for_status()
    deadline = time.monotonic() + LOAD_SECONDS
    while time.monotonic() < deadline:
        assert platform.predict({"gender": "Female", "race": None}) == 200
        time.sleep(0.2)
    yield platform
    httpx.post(f"{locust}/stop", timeout=30).raise_for_status()


@pytest.fixture(scope="module")
def report() -> Iterator[Report]:
    report = Report(ROOT / "build" / "observability.md")
    yield report
    report.write()


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda expression: expression.place)
def test_an_expression_has_had_data(loaded: Platform, report: Report, expression: Expression) -> None:
    reason = SELECTED_ELSEWHERE.get(expression.text) or _reason(expression)
    report.check(loaded.prometheus, expression, loaded.started, reason)


def _reason(expression: Expression) -> str:
    """Why the expression may have no data; empty when it must have some."""
    sources = (
        source for prefix, source in ELSEWHERE.items() if any(name.startswith(prefix) for name in expression.names)
    )
    return next(sources, "")
