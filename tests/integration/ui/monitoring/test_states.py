"""The Monitoring page without data, without services, with slow services, and its refresh."""

import threading
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Platform
from tests.integration.ui.fake_prometheus import FakePrometheus
from tests.integration.ui.monitoring.page import NOBODY, links, open_page, page_text
from ui.monitoring import queries
from ui.monitoring.live import EVERY_SECONDS, LIVE
from ui.monitoring.queries import QUERIES, Query


def test_without_requests_each_panel_says_so(app: AppTest, prometheus: FakePrometheus) -> None:
    prometheus.rows = {queries.SERVED_NOW: [({}, 3)], queries.RESPONSES: [({"status": "200"}, 0.0)]}
    page = page_text(open_page(app))
    assert page.count("No requests in this window.") == 4
    assert "No predictions in this window." in page
    assert "Requests/s: –" in page
    assert "A dash: no requests in the last five minutes." in page


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.text)
def test_the_error_of_one_query_is_shown_in_its_place_and_the_rest_stays(
    app: AppTest, prometheus: FakePrometheus, query: Query
) -> None:
    prometheus.failing = {query}
    page = page_text(open_page(app))
    assert "#### ApiDown" in page
    assert len(app.subheader) == 7
    # These are known from elsewhere, or left out of a sentence.
    if query not in (queries.SERVED_NOW, queries.RUN_TIME, queries.RUN_PREDICTIONS):
        assert "Prometheus answered with status 500" in page


def test_without_rules_the_alerts_are_not_known_and_charts_have_no_limits(
    app: AppTest, prometheus: FakePrometheus
) -> None:
    prometheus.rules_fail = True
    page = page_text(open_page(app))
    assert "Alerts firing: –" in page
    assert "Prometheus answered with status 503" in page
    assert "Alert on these values: ApiSlow." in page
    assert "limit" not in page


def test_errors_of_prometheus_and_the_api_are_each_shown_once(
    app: AppTest, prometheus: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PROMETHEUS_URL", "API_URL"):
        monkeypatch.setenv(name, NOBODY)
    page = page_text(open_page(app))
    assert page.count("Prometheus cannot be reached") == 1
    assert page.count("The prediction API cannot be reached") == 1
    assert not app.get("vega_lite_chart")


def test_links_to_services_that_do_not_answer_are_not_shown(
    app: AppTest, platform: Platform, prometheus: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    prometheus.up = {"grafana": 0}
    monkeypatch.setenv("AIRFLOW_URL", NOBODY)
    platform.more[("GET", "/")] = lambda _: (502, {})
    page = page_text(open_page(app))
    assert set(links(app)) == {"What to do", "Drift reports in MLflow", "Prometheus"}
    assert "the same in Grafana" not in page


def test_without_the_api_the_metrics_of_prometheus_are_shown(
    app: AppTest, prometheus: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_URL", NOBODY)
    page = page_text(open_page(app))
    assert "Served version: 3" in page
    assert "The test encounters are not known: the API does not answer." in page


def test_a_server_that_is_not_prometheus_is_reported(app: AppTest, platform: Platform) -> None:
    for address in (("POST", "/api/v1/query"), ("POST", "/api/v1/query_range"), ("GET", "/api/v1/rules")):
        platform.more[address] = lambda _: (200, {"hello": "there"})
    assert "Prometheus sent a response of an unexpected format" in page_text(open_page(app))


def test_all_queries_are_sent_at_once(app: AppTest, prometheus: FakePrometheus) -> None:
    open_page(app)
    all_sent = threading.Barrier(len(QUERIES), timeout=60)  # answers all queries, or none
    prometheus.before_reply = all_sent.wait
    app.button(key="monitoring-refresh").click().run()
    assert "Requests/s: 12.5" in page_text(app)


def test_a_slow_prometheus_times_out(
    app: AppTest, platform: Platform, prometheus: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_TIMEOUT_SECONDS", "0.2")
    open_page(app)
    platform.delay = 0.6
    app.button(key="monitoring-refresh").click().run()
    assert "Prometheus did not answer within 0.2 seconds" in page_text(app)


def test_the_page_refreshes_until_it_is_paused(
    app: AppTest, prometheus: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    every: list[Any] = []
    real = st.fragment

    def noted(*given: Any, **more: Any) -> Any:
        every.append(more["run_every"])
        return real(*given, **more)

    monkeypatch.setattr(st, "fragment", noted)
    open_page(app)
    assert every[-1] == EVERY_SECONDS == 15
    app.toggle(key=LIVE).set_value(False).run()
    assert every[-1] is None
    assert page_text(app)
