"""The panels of the Monitoring page: values, texts, tables and links."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.integration.ui import fake_prometheus
from tests.integration.ui.conftest import Platform
from tests.integration.ui.fake_prometheus import FakePrometheus, alert, drift, quality, traffic
from tests.integration.ui.monitoring.page import links, open_page, page_text, tables
from ui.monitoring import queries
from ui.monitoring.live import WINDOW
from ui.monitoring.queries import QUERIES
from ui.monitoring.window import Window


def test_the_headline_has_six_values_with_units(app: AppTest, prometheus: FakePrometheus) -> None:
    open_page(app)
    assert {metric.label: metric.value for metric in app.metric} == {
        "Requests/s": "12.5",
        "Latency p95": "18 ms",
        "Latency p99": "1.25 s",
        "Errors": "0.2%",
        "Served version": "3",
        "Alerts firing": "2",
    }


def test_every_chart_has_words_and_a_table(app: AppTest, prometheus: FakePrometheus) -> None:
    open_page(app)
    charts = app.get("vega_lite_chart")
    assert len(charts) == 12
    assert all(len(chart.proto.alt) > 40 for chart in charts)
    beside = [one for one in app.expander if one.label == "The same as a table"]
    assert len(beside) == len(charts)
    assert all(len(one.table) == 1 for one in beside)


def test_every_panel_states_its_unit_and_its_source(app: AppTest, prometheus: FakePrometheus) -> None:
    open_page(app)
    stated = [one.value for one in app.markdown if one.value.startswith(":small[Unit: ")]
    assert len(stated) == len(app.get("vega_lite_chart"))
    assert all("Source: Prometheus, `" in one and "/d/" in one for one in stated)


def test_lines_have_words_and_a_table_newest_first(app: AppTest, prometheus: FakePrometheus) -> None:
    page = page_text(open_page(app))
    assert "p95: now 18 ms, at most 18 ms. p99: now 1.25 s, at most 1.25 s." in page
    latency = next(table for table in tables(app) if "p99" in table.columns)
    assert next(iter(latency["p99"])) == "1.25 s"
    assert list(latency["Time"]) == sorted(latency["Time"], reverse=True)


@pytest.mark.parametrize("window", Window)
def test_a_person_chooses_the_window(app: AppTest, prometheus: FakePrometheus, window: Window) -> None:
    open_page(app)
    prometheus.received.clear()
    app.segmented_control(key=WINDOW).select(window).run()
    assert not app.exception
    assert set(prometheus.received) == {query.within(window) for query in QUERIES}


def test_risks_of_the_window_stand_beside_the_served_cohort(app: AppTest, prometheus: FakePrometheus) -> None:
    page = page_text(open_page(app))
    assert "About 200 predictions, median 10.0%; the median of the test encounters is 9.4%." in page
    risks = next(table for table in tables(app) if "Test encounters of version 3" in table.columns)
    assert list(risks["Predicted risk"]) == ["0% to 10%", "10% to 20%", "20% to 100%"]
    assert list(risks["In this window"]) == ["50.0%", "50.0%", "0.0%"]


def test_drift_is_shown_by_kind_with_the_time_of_the_run(app: AppTest, prometheus: FakePrometheus) -> None:
    page = page_text(open_page(app))
    assert (
        "**Drift.** The patients of the predictions differ from those of the training data. 2 of 25 tests show it."
        in page
    )
    assert "Result of the run of 28 May 2026, 20:26 UTC on 1,234 predictions" in page
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
    page = page_text(open_page(app))
    assert words in page
    assert "28 May 2026" in page
    assert "**Drift.**" not in page


def test_before_the_first_run_the_pipeline_is_named(app: AppTest, prometheus: FakePrometheus) -> None:
    prometheus.rows = traffic() | {queries.DATABASE_UP: [({}, 1)]}
    page = page_text(open_page(app))
    assert "**monitor_diabetes has not run yet.**" in page
    assert "http://airflow.example:8080/dags/monitor_diabetes" in page
    assert "which compares predictions with outcomes" in page


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([({}, 0.0)], "The diabetes database does not answer the exporter"),
        ([], "Prometheus has no data from the exporter"),
    ],
)
def test_a_run_that_cannot_be_read_is_not_a_missing_run(
    app: AppTest, prometheus: FakePrometheus, rows: list[Any], words: str
) -> None:
    prometheus.rows = traffic() | {queries.DATABASE_UP: rows}
    page = page_text(open_page(app))
    assert words in page
    assert "has not run yet" not in page


def test_realised_quality_has_intervals_coverage_and_marked_estimates(app: AppTest, prometheus: FakePrometheus) -> None:
    page = page_text(open_page(app))
    assert "Version 3: 812 outcomes are known, which is 82% of the predictions that are old enough" in page
    assert "Version 3: 0.671, 95% interval 0.641 to 0.701." in page
    assert "Version 3, estimated without outcomes: 0.664." in page
    every = next(table for table in tables(app) if "Realised" in table.columns and len(table) == 12)
    first = dict(every.iloc[0])
    assert (first["Version"], first["Metric"], first["On test patients"]) == ("3", "AUROC", "0.671")


def test_too_few_outcomes_are_reported(app: AppTest, prometheus: FakePrometheus) -> None:
    prometheus.rows[queries.REALISED] = []
    prometheus.rows[queries.ESTIMATED] = []
    page = page_text(open_page(app))
    assert "812 outcomes are known" in page
    assert page.count("Too few outcomes to measure this.") == 4


def test_without_outcomes_the_page_says_how_to_get_them(app: AppTest, prometheus: FakePrometheus) -> None:
    for query in quality():
        prometheus.rows[query] = []
    assert "No outcome is old enough yet" in page_text(open_page(app))


def test_alerts_are_ranked_with_meaning_and_links(app: AppTest, prometheus: FakePrometheus) -> None:
    page = page_text(open_page(app))
    order = [page.index(f"#### {name}\n") for name in ("ApiDown", "DriftDetected", "ApiSlow")]
    assert order == sorted(order)
    assert "The prediction API does not answer: nobody gets a prediction from it." in page
    assert "firing since 28 May 2026, 20:30 UTC" in page
    assert "pending since 28 May 2026, 20:30 UTC" in page
    urls = [link.proto.url for link in app.get("link_button")]
    assert "http://localhost:8501/runbooks?name=DriftDetected" in urls
    assert "http://localhost:3000/alerting/list?search=DriftDetected" in urls


def test_an_alert_of_another_rule_is_shown_without_a_meaning(app: AppTest, prometheus: FakePrometheus) -> None:
    prometheus.alerts = [alert("Own_rule", "warning", "firing", "something [odd]")]
    page = page_text(open_page(app))
    assert "#### Own\\_rule" in page
    assert "something \\[odd\\]" in page


def test_panels_name_their_alerts_with_the_limits_of_the_rules(app: AppTest, prometheus: FakePrometheus) -> None:
    page = page_text(open_page(app))
    assert "Alert on these values: ApiSlow, limit 500 ms." in page
    assert "Alert on these values: ApiServerErrors, limit 5.0%." in page
    assert "Alert on these values: RealisedQualityLow, limit 0.620." in page
    assert "Alert on these values: CalibrationOff, limit -0.200 / 0.200." in page
    assert page.count("Alert on these values: DriftDetected.") == 3


def test_limits_follow_the_rules(app: AppTest, prometheus: FakePrometheus, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = [{"alert": "ApiSlow", "expr": 'route:latency:p95{route="/predict"} > 0.25'}]
    monkeypatch.setattr(fake_prometheus, "alerts", lambda: changed)
    assert "Alert on these values: ApiSlow, limit 250 ms." in page_text(open_page(app))


def test_without_alerts_the_page_says_so(app: AppTest, prometheus: FakePrometheus) -> None:
    prometheus.alerts = []
    assert "No alert is firing or pending." in page_text(open_page(app))


def test_every_monitoring_service_is_linked(app: AppTest, platform: Platform, prometheus: FakePrometheus) -> None:
    experiment = {"experiment": {"experiment_id": "7", "name": "diabetes-readmission-monitoring"}}
    platform.more[("GET", "/api/2.0/mlflow/experiments/get-by-name")] = lambda _: (200, experiment)
    found = links(open_page(app))
    assert found["Grafana: model in the field"] == "http://localhost:3000/d/field"
    assert found["monitor_diabetes in Airflow"] == "http://airflow.example:8080/dags/monitor_diabetes"
    assert found["Drift reports in MLflow"] == "http://localhost:5000/#/experiments/7"
    assert found["Load test in Locust"] == "http://localhost:8089"
    assert found["Prometheus"] == "http://localhost:9090"
    assert found["Alertmanager"] == "http://localhost:9093"


def test_before_the_first_report_the_link_leads_to_all_experiments(app: AppTest, prometheus: FakePrometheus) -> None:
    assert links(open_page(app))["Drift reports in MLflow"] == "http://localhost:5000/#/experiments"


def test_in_spanish_numbers_have_decimal_commas(app: AppTest, prometheus: FakePrometheus) -> None:
    open_page(app)
    app.segmented_control(key="language").select("es").run()
    assert not app.exception
    values = [metric.value for metric in app.metric]
    assert values[0] == "12,5"
    assert values[3] == "0,2\u00a0%"
