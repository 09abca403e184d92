"""The Monitoring page in each of its states."""

import time
from http.server import ThreadingHTTPServer
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Platform
from tests.integration.ui.fake_prometheus import FakePrometheus, alert, busy, drift, quality, traffic
from ui.monitoring import expressions as ask
from ui.monitoring.expressions import QUESTIONS
from ui.monitoring.live import EVERY_SECONDS, LIVE, WINDOW
from ui.monitoring.window import Window

NOBODY = "http://127.0.0.1:9"
PAGE = "app_pages/monitoring.py"


@pytest.fixture(autouse=True)
def _many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform of the tests takes as many questions at the same time as the page has."""
    monkeypatch.setattr(ThreadingHTTPServer, "request_queue_size", 2 * len(QUESTIONS))


@pytest.fixture
def prometheus(platform: Platform) -> FakePrometheus:
    """A busy platform; a test changes what it has to."""
    return busy().attach(platform)


def opened(app: AppTest) -> AppTest:
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def shown(app: AppTest) -> str:
    """Everything a person can read on the page, charts in words."""
    kinds = (app.title, app.subheader, app.markdown, app.error, app.warning, app.info, app.success)
    charts = [chart.proto.alt for chart in app.get("vega_lite_chart")]
    figures = [f"{metric.label}: {metric.value}" for metric in app.metric]
    return "\n".join([*(element.value for kind in kinds for element in kind), *figures, *charts])


def links(app: AppTest) -> dict[str, str]:
    return {link.proto.label: link.proto.url for link in app.get("link_button")}


def tables(app: AppTest) -> list[Any]:
    return [table.value for table in app.table]


def test_the_strip_shows_six_figures_with_their_units(app: AppTest, prometheus: FakePrometheus) -> None:
    opened(app)
    assert {metric.label: metric.value for metric in app.metric} == {
        "Requests per second": "12.5",
        "Latency p95": "18 ms",
        "Latency p99": "1.25 s",
        "Share of errors": "0.2%",
        "Served version": "3",
        "Alerts firing": "2",
    }


def test_every_chart_has_words_and_a_table(app: AppTest, prometheus: FakePrometheus) -> None:
    opened(app)
    charts = app.get("vega_lite_chart")
    assert len(charts) == 12
    assert all(len(chart.proto.alt) > 40 for chart in charts)
    beside = [one for one in app.expander if one.label == "The same as a table"]
    assert len(beside) == len(charts)
    assert all(len(one.table) == 1 for one in beside)


def test_every_panel_states_its_unit_and_its_source(app: AppTest, prometheus: FakePrometheus) -> None:
    opened(app)
    stated = [one.value for one in app.markdown if one.value.startswith(":small[Unit: ")]
    assert len(stated) == len(app.get("vega_lite_chart"))
    assert all("Source: Prometheus, `" in one and "/d/" in one for one in stated)


def test_the_lines_are_told_in_words_and_listed_newest_first(app: AppTest, prometheus: FakePrometheus) -> None:
    page = shown(opened(app))
    assert "p95: now 18 ms, at most 18 ms. p99: now 1.25 s, at most 1.25 s." in page
    latency = next(table for table in tables(app) if "p99" in table.columns)
    assert next(iter(latency["p99"])) == "1.25 s"
    assert list(latency["Time"]) == sorted(latency["Time"], reverse=True)


@pytest.mark.parametrize("window", Window)
def test_a_person_chooses_the_window(app: AppTest, prometheus: FakePrometheus, window: Window) -> None:
    opened(app)
    prometheus.asked.clear()
    app.segmented_control(key=WINDOW).select(window).run()
    assert not app.exception
    assert set(prometheus.asked) == {question.within(window) for question in QUESTIONS}


def test_risks_of_the_window_stand_beside_the_served_cohort(app: AppTest, prometheus: FakePrometheus) -> None:
    page = shown(opened(app))
    assert "About 200 predictions, half of them of at most 10.0%; in the cohort, half are of at most 9.4%." in page
    risks = next(table for table in tables(app) if "Cohort of version 3" in table.columns)
    assert list(risks["Predicted risk"]) == ["0% to 10%", "10% to 20%", "20% to 100%"]
    assert list(risks["In this window"]) == ["50.0%", "50.0%", "0.0%"]


def test_drift_is_told_with_when_and_what_apart_for_values_and_known_fields(
    app: AppTest, prometheus: FakePrometheus
) -> None:
    page = shown(opened(app))
    assert "**Drift.** The model is asked about other patients than it was trained on. 2 tests of 25 say so." in page
    assert "Found by the run of 28 May 2026, 20:26 UTC, which looked at 1,234 predictions" in page
    assert "**These differ: Age (years): 0.214, drift from 0.087 on.**" in page
    assert "**These differ: Weight (pounds): 0.214, drift from 0.087 on.**" in page
    assert "**None differs by more than chance.**" in page


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "**No drift.**"), (-1, "**Not enough data.**")],
)
def test_the_other_outcomes_of_a_run_have_their_words(
    app: AppTest, prometheus: FakePrometheus, code: int, words: str
) -> None:
    prometheus.rows |= drift(code)
    page = shown(opened(app))
    assert words in page
    assert "28 May 2026" in page
    assert "**Drift.**" not in page


def test_before_the_first_run_it_says_what_to_start(app: AppTest, prometheus: FakePrometheus) -> None:
    prometheus.rows = traffic() | {ask.DATABASE_UP: [({}, 1)]}
    page = shown(opened(app))
    assert "**monitor_diabetes has not run yet.**" in page
    assert "http://airflow.example:8080/dags/monitor_diabetes" in page
    assert "it is what compares predictions with outcomes" in page


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([({}, 0.0)], "The diabetes database does not answer the exporter"),
        ([], "Prometheus has nothing from the exporter"),
    ],
)
def test_a_run_that_cannot_be_read_is_not_taken_for_one_that_has_not_been(
    app: AppTest, prometheus: FakePrometheus, rows: list[Any], words: str
) -> None:
    prometheus.rows = traffic() | {ask.DATABASE_UP: rows}
    page = shown(opened(app))
    assert words in page
    assert "has not run yet" not in page


def test_realised_quality_stands_with_intervals_coverage_and_marked_estimates(
    app: AppTest, prometheus: FakePrometheus
) -> None:
    page = shown(opened(app))
    assert "Version 3: 812 outcomes are known, which is 82% of the predictions that are old enough" in page
    assert "Version 3: 0.671, 95% interval 0.641 to 0.701." in page
    assert "Version 3, estimated without outcomes: 0.664." in page
    every = next(table for table in tables(app) if "Realised" in table.columns and len(table) == 12)
    first = dict(every.iloc[0])
    assert (first["Version"], first["Figure"], first["On test patients"]) == ("3", "AUROC", "0.671")


def test_a_version_with_too_few_outcomes_says_so(app: AppTest, prometheus: FakePrometheus) -> None:
    prometheus.rows[ask.REALISED] = []
    prometheus.rows[ask.ESTIMATED] = []
    page = shown(opened(app))
    assert "812 outcomes are known" in page
    assert page.count("Too few outcomes to measure this.") == 4


def test_without_any_outcome_it_says_how_to_get_them(app: AppTest, prometheus: FakePrometheus) -> None:
    for question in quality():
        prometheus.rows[question] = []
    assert "No outcome is known yet that is old enough" in shown(opened(app))


def test_alerts_stand_worst_first_with_meaning_and_ways_on(app: AppTest, prometheus: FakePrometheus) -> None:
    page = shown(opened(app))
    order = [page.index(f"#### {name}\n") for name in ("ApiDown", "DriftDetected", "ApiSlow")]
    assert order == sorted(order)
    assert "The prediction API does not answer: nobody gets a prediction from it." in page
    assert "firing since 28 May 2026, 20:30 UTC" in page
    assert "pending since 28 May 2026, 20:30 UTC" in page
    urls = [link.proto.url for link in app.get("link_button")]
    assert "http://localhost:9106/runbooks/DriftDetected" in urls
    assert "http://localhost:3000/alerting/list?search=DriftDetected" in urls


def test_an_alert_of_another_rule_is_shown_without_a_meaning(app: AppTest, prometheus: FakePrometheus) -> None:
    prometheus.alerts = [alert("Own_rule", "warning", "firing", "something [odd]")]
    page = shown(opened(app))
    assert "#### Own\\_rule" in page
    assert "something \\[odd\\]" in page


def test_a_calm_platform_says_so(app: AppTest, prometheus: FakePrometheus) -> None:
    prometheus.alerts = []
    assert "No alert fires or is pending." in shown(opened(app))


def test_it_leads_to_every_service_that_watches(app: AppTest, platform: Platform, prometheus: FakePrometheus) -> None:
    experiment = {"experiment": {"experiment_id": "7", "name": "diabetes-readmission-monitoring"}}
    platform.more[("GET", "/api/2.0/mlflow/experiments/get-by-name")] = lambda _: (200, experiment)
    found = links(opened(app))
    assert found["Grafana: model in the field"] == "http://localhost:3000/d/field"
    assert found["monitor_diabetes in Airflow"] == "http://airflow.example:8080/dags/monitor_diabetes"
    assert found["Drift reports in MLflow"] == "http://localhost:5000/#/experiments/7"
    assert found["Load test in Locust"] == "http://localhost:8089"
    assert found["Alerts in Prometheus"] == "http://localhost:9090/alerts"


def test_before_the_first_report_the_link_leads_to_all_experiments(app: AppTest, prometheus: FakePrometheus) -> None:
    assert links(opened(app))["Drift reports in MLflow"] == "http://localhost:5000/#/experiments"


def test_without_requests_each_panel_says_so(app: AppTest, prometheus: FakePrometheus) -> None:
    prometheus.rows = {ask.SERVED_NOW: [({}, 3)], ask.FIRING_NOW: [({}, 0)], ask.ANSWERS: [({"status": "200"}, 0.0)]}
    page = shown(opened(app))
    assert page.count("No requests in this window.") == 4
    assert "No predictions in this window." in page
    assert "Requests per second: –" in page
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
    assert "There is no production model yet." in page


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
    assert "Prometheus answered something this page does not understand" in shown(opened(app))


def test_all_questions_go_out_at_the_same_time(app: AppTest, platform: Platform, prometheus: FakePrometheus) -> None:
    opened(app)
    platform.delay = 0.3
    begun = time.monotonic()
    app.button(key="monitoring-refresh").click().run()
    one_after_another = platform.delay * len(QUESTIONS)
    assert time.monotonic() - begun < one_after_another / 2
    assert "Requests per second: 12.5" in shown(app)


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


def test_in_spanish_figures_are_written_as_there(app: AppTest, prometheus: FakePrometheus) -> None:
    opened(app)
    app.segmented_control(key="language").select("es").run()
    assert not app.exception
    values = [metric.value for metric in app.metric]
    assert values[0] == "12,5"
    assert values[3] == "0,2\u00a0%"
