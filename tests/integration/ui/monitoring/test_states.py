"""The Monitoring page without data, with services away or slow, and as it refreshes."""

import time
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Platform
from tests.integration.ui.fake_prometheus import FakePrometheus
from tests.integration.ui.monitoring.page import NOBODY, links, opened, shown, tables
from ui.monitoring import expressions as ask
from ui.monitoring.expressions import QUESTIONS
from ui.monitoring.live import EVERY_SECONDS, LIVE


def test_without_requests_each_panel_says_so(app: AppTest, prometheus: FakePrometheus) -> None:
    prometheus.rows = {ask.SERVED_NOW: [({}, 3)], ask.FIRING_NOW: [({}, 0)], ask.ANSWERS: [({"status": "200"}, 0.0)]}
    page = shown(opened(app))
    assert page.count("No requests in this window.") == 4
    assert "No predictions in this window." in page
    assert "Requests/s: –" in page
    assert "A dash: no requests in the last five minutes." in page


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text)
def test_one_question_without_an_answer_is_told_in_its_place_and_the_rest_stays(
    app: AppTest, prometheus: FakePrometheus, question: Any
) -> None:
    prometheus.failing = {question}
    page = shown(opened(app))
    assert "#### ApiDown" in page
    assert len(app.subheader) == 6
    if question not in (
        ask.SERVED_NOW,
        ask.RUN_TIME,
        ask.RUN_PREDICTIONS,
    ):  # known otherwise, or left out of a sentence
        assert "Prometheus answered with status 500" in page


def test_with_prometheus_away_it_says_what_to_start_and_what_the_api_knows(
    app: AppTest, platform: Platform, prometheus: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_URL", NOBODY)
    page = shown(opened(app))
    assert page.count(f"Prometheus cannot be reached at {NOBODY}".replace(":", "\\:")) == 1
    assert "`docker compose up` starts it" in page
    (said,) = tables(app)
    assert said.to_dict()[said.columns[0]] == {
        "Ready for predictions": "yes",
        "Served version": "3",
        "Algorithm": "random_forest",
        "Trained": "4 May 2026, 02:11 UTC",
        "Production version, as the API last saw it": "3",
        "MLflow, as the API sees it": "reachable",
    }
    assert links(app)["Grafana: API and model"]


def test_with_prometheus_and_the_api_away_there_is_a_sentence_for_each(
    app: AppTest, prometheus: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PROMETHEUS_URL", "API_URL"):
        monkeypatch.setenv(name, NOBODY)
    page = shown(opened(app))
    assert "Prometheus cannot be reached" in page
    assert "The prediction API cannot be reached" in page
    assert "it does not say" in tables(app)[0].to_string()


def test_an_api_without_a_model_is_told_beside_prometheus_that_is_away(
    app: AppTest, platform: Platform, prometheus: FakePrometheus
) -> None:
    platform.served = None
    platform.more[("GET", "/ready")] = lambda _: (503, {"detail": "no production model yet"})
    prometheus.is_away = True
    page = shown(opened(app))
    assert "no, it has no model yet" in tables(app)[0].to_string()
    assert "No model is available\\: no production model yet" in page


def test_with_the_api_away_prometheus_still_has_its_figures(
    app: AppTest, prometheus: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_URL", NOBODY)
    page = shown(opened(app))
    assert "Served version: 3" in page
    assert "The cohort is not known: the API is away." in page


def test_a_server_that_is_not_prometheus_is_told_as_such(app: AppTest, platform: Platform) -> None:
    for address in (("POST", "/api/v1/query"), ("POST", "/api/v1/query_range"), ("GET", "/api/v1/alerts")):
        platform.more[address] = lambda _: (200, {"hello": "there"})
    assert "Prometheus sent a response of an unexpected format" in shown(opened(app))


def test_all_questions_go_out_at_the_same_time(app: AppTest, platform: Platform, prometheus: FakePrometheus) -> None:
    opened(app)
    platform.delay = 0.3
    begun = time.monotonic()
    app.button(key="monitoring-refresh").click().run()
    one_after_another = platform.delay * len(QUESTIONS)
    assert time.monotonic() - begun < one_after_another / 2
    assert "Requests/s: 12.5" in shown(app)


def test_a_slow_prometheus_is_given_up_soon(
    app: AppTest, platform: Platform, prometheus: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_TIMEOUT_SECONDS", "0.2")
    opened(app)
    platform.delay = 0.6
    app.button(key="monitoring-refresh").click().run()
    assert "Prometheus did not answer within 0.2 seconds" in shown(app)


def test_it_refreshes_by_itself_until_it_is_paused(
    app: AppTest, prometheus: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    every: list[Any] = []
    real = st.fragment

    def noted(*given: Any, **more: Any) -> Any:
        every.append(more["run_every"])
        return real(*given, **more)

    monkeypatch.setattr(st, "fragment", noted)
    opened(app)
    assert every[-1] == EVERY_SECONDS == 15
    app.toggle(key=LIVE).set_value(False).run()
    assert every[-1] is None
    assert shown(app)
