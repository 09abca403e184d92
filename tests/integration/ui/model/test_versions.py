"""The Model page in each of its states, against the contract of MLflow over real HTTP."""

import threading
from html import unescape

import pytest
from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Platform
from tests.integration.ui.fake_prometheus import AIRFLOW
from tests.integration.ui.model.page import NOBODY, open_page, page_text
from tests.integration.ui.registry import METRICS, PNG, FakeRegistry
from ui import services
from ui.clients.errors import ServiceError
from ui.model.registry_snapshot import RegistrySnapshot, fetch_runs, fetch_snapshot


def test_production_and_challenger_stand_side_by_side(app: AppTest, registry: FakeRegistry) -> None:
    open_page(app)
    facts = app.table[0].value
    assert list(facts.columns) == ["Production: version 3", "Challenger: version 4"]
    assert list(facts.loc["Gate decision"]) == ["promoted", "refused"]
    assert list(facts.loc["Deciding rule"]) == ["Better than production", "Not worse than production"]
    assert facts.loc["Decided", "Production: version 3"] == "4 May 2026, 02:12 UTC"
    assert facts.loc["Replaced", "Production: version 3"] == "version 2"
    page = page_text(app)
    for text in ("5f2c9a7be01d", "4 May 2026, 02:11 UTC", "UCI 296", "AUROC is shown to be worse: -0.020"):
        assert text in page


def test_metrics_of_both_have_intervals_from_api_and_run(app: AppTest, registry: FakeRegistry) -> None:
    metrics = open_page(app).table[1].value
    assert list(metrics.loc["AUROC"])[:2] == ["0.6712 (0.6588 to 0.6829)", "0.6600 (0.6500 to 0.6700)"]
    assert list(metrics.loc["Calibration error"])[1] == "not measured"


def test_a_challenger_in_production_is_one_column(app: AppTest, registry: FakeRegistry) -> None:
    registry.aliases["challenger"] = "3"
    open_page(app)
    assert list(app.table[0].value.columns) == ["Production and challenger: version 3"]
    assert "no newer version has been trained" in page_text(app)


def test_without_a_challenger_the_page_says_what_makes_one(app: AppTest, registry: FakeRegistry) -> None:
    del registry.aliases["challenger"]
    assert "There is no challenger: the next training makes one." in page_text(open_page(app))


def test_versions_of_which_none_is_in_production_are_shown(
    app: AppTest, platform: Platform, registry: FakeRegistry
) -> None:
    platform.served = platform.registered = None
    del registry.aliases["production"]
    page = page_text(open_page(app))
    assert "No version is in production" in page
    assert list(app.table[0].value.columns) == ["Challenger: version 4"]


def test_a_version_that_is_served_but_not_in_production_has_a_column(
    app: AppTest, platform: Platform, registry: FakeRegistry
) -> None:
    platform.served = "2"
    metrics = open_page(app).table[1].value
    assert list(metrics.columns)[:3] == [
        "Production: version 3",
        "Challenger: version 4",
        "Served by the API: version 2",
    ]


def test_it_links_to_the_version_in_mlflow_and_to_airflow(
    app: AppTest, platform: Platform, registry: FakeRegistry
) -> None:
    platform.registered = "7"
    platform.more["GET", "/health"] = lambda _: (200, {"status": "OK"})
    platform.more["GET", "/api/v2/monitor/health"] = lambda _: (200, AIRFLOW)
    urls = [link.proto.url for link in open_page(app).get("link_button")]
    assert any(url.endswith("/#/models/diabetes-readmission/versions/7") for url in urls)
    assert "http://airflow.example:8080/dags/train_models_diabetes_simple" in urls


def test_a_service_that_does_not_answer_is_not_linked(app: AppTest, platform: Platform, registry: FakeRegistry) -> None:
    assert [link.proto.label for link in open_page(app).get("link_button")] == []


def test_without_the_api_the_registry_is_shown(app: AppTest, platform: Platform, registry: FakeRegistry) -> None:
    platform.api_status = 502
    page = page_text(open_page(app))
    assert "status 502" in page
    assert list(app.table[0].value.columns) == ["Production: version 3", "Challenger: version 4"]
    assert "0.6600 (0.6500 to 0.6700)" in page


def test_without_mlflow_the_served_model_is_shown(
    app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    page = page_text(open_page(app))
    assert "0.6588 to 0.6829" in page
    assert list(app.table[0].value.columns) == ["Served by the API: version 3"]
    assert "The challenger cannot be shown" in page


def test_errors_of_api_and_mlflow_are_both_shown(
    app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    monkeypatch.setenv("API_URL", NOBODY)
    page = page_text(open_page(app))
    assert f"The prediction API cannot be reached at {NOBODY.removeprefix('http://')}" in page
    assert f"MLflow cannot be reached at {NOBODY.removeprefix('http://')}" in page


def test_before_the_first_training_the_pipelines_to_run_are_named(app: AppTest, platform: Platform) -> None:
    platform.served = platform.registered = None
    FakeRegistry().answer_on(platform)
    assert "No model yet" in page_text(open_page(app))
    assert not app.table


def test_a_synthetic_model_is_marked(app: AppTest, platform: Platform, registry: FakeRegistry) -> None:
    platform.provenance = "synthetic"
    assert "Synthetic cohort" in page_text(open_page(app))
    assert "not for any real patient" in app.warning[0].value


def test_a_missing_metric_is_shown_as_not_measured(app: AppTest, platform: Platform, registry: FakeRegistry) -> None:
    platform.unmeasured = ("ece",)
    assert "not measured" in page_text(open_page(app))


def test_a_challenger_whose_run_was_deleted_has_no_metrics(app: AppTest, registry: FakeRegistry) -> None:
    registry.add("4", run=False)
    registry.metrics.clear()
    metrics = open_page(app).table[1].value
    assert list(metrics["Challenger: version 4"]) == ["not measured"] * 4


def test_the_ledger_has_every_version_the_newest_first(app: AppTest, registry: FakeRegistry) -> None:
    ledger = open_page(app, "decisions").table[0].value
    assert list(ledger["Version"]) == ["**4** (challenger)", "**3** (production)", "2", "1"]
    assert list(ledger["Gate decision"]) == [
        "refused",
        "promoted",
        "promoted",
        "promoted; withdrawn 2 May 2026, 02:12 UTC",
    ]
    assert list(ledger["Replaced"]) == ["", "version 2", "version 1", ""]


def test_a_long_ledger_is_shown_in_part_until_asked_for(app: AppTest, registry: FakeRegistry) -> None:
    for number in range(5, 31):
        registry.add(str(number), run=False)
    open_page(app, "decisions")
    assert len(app.table[0].value) == 20
    app.toggle(key="all-versions").set_value(True).run()
    assert len(app.table[0].value) == 30
    assert app.table[0].value["Gate decision"][0] == "not decided yet"


def test_no_artifact_is_fetched_before_its_view_is_opened(app: AppTest, registry: FakeRegistry) -> None:
    open_page(app)
    assert registry.fetched == []


def test_plots_have_captions_with_metrics(app: AppTest, registry: FakeRegistry) -> None:
    open_page(app, "artifacts")
    assert sorted(registry.fetched) == ["plots/calibration.png", "plots/roc.png"]
    alternatives = [image.alt for element in app.get("image") for image in element.proto.imgs]
    assert any(text.startswith("ROC curve. Sensitivity against") for text in alternatives)
    assert "AUROC: 0.6600 (0.6500 to 0.6700)" in page_text(app)


def test_plots_are_those_of_the_language_and_else_the_english_ones_after_saying_so(
    app: AppTest, registry: FakeRegistry
) -> None:
    registry.files["3"]["plots/es/roc.png"] = PNG
    open_page(app, "artifacts")
    app.segmented_control(key="language").select("es").run()
    assert registry.fetched[-1] == "plots/es/roc.png"
    assert "solo en inglés" not in page_text(app)
    app.selectbox(key="artifacts-version").select("2").run()
    assert not app.exception
    assert "La versión 2 tiene sus gráficos solo en inglés." in page_text(app)


def test_a_plot_that_is_too_large_is_not_fetched(app: AppTest, registry: FakeRegistry) -> None:
    registry.sizes["plots/roc.png"] = 5_000_000
    assert "too large to be shown here" in page_text(open_page(app, "artifacts"))
    assert registry.fetched == ["plots/calibration.png"]


def test_the_report_is_shown_without_scripts(app: AppTest, registry: FakeRegistry) -> None:
    open_page(app, "artifacts")
    app.segmented_control(key="artifacts-kind").select("report").run()
    assert not app.exception
    frame = app.get("iframe")[0].proto
    assert frame.alt == "Report of version 3"
    assert 'sandbox=""' in frame.srcdoc
    assert "<script>" not in frame.srcdoc
    assert "<h1>Report</h1>" in unescape(frame.srcdoc)


@pytest.mark.parametrize(("kind", "name"), [("report", "report.es.html"), ("card", "model_card.es.md")])
def test_report_and_card_are_shown_in_the_language_of_the_page(
    app: AppTest, registry: FakeRegistry, kind: str, name: str
) -> None:
    app.query_params["language"] = "es"
    registry.files["3"][name] = b"<html><head></head><h1>Informe</h1></html>" if kind == "report" else b"# Ficha"
    open_page(app, "artifacts").segmented_control(key="artifacts-kind").select(kind).run()
    assert not app.exception
    shown = app.get("iframe")[0].proto.srcdoc if kind == "report" else page_text(app)
    assert ("Informe" if kind == "report" else "### Ficha") in shown
    assert not app.info


@pytest.mark.parametrize("kind", ["report", "card"])
def test_a_version_that_has_them_in_english_only_says_so_once(app: AppTest, registry: FakeRegistry, kind: str) -> None:
    app.query_params["language"] = "es"
    open_page(app, "artifacts").segmented_control(key="artifacts-kind").select(kind).run()
    assert [one.value for one in app.info] == ["La versión 3 solo tiene este documento en inglés."]
    app.segmented_control(key="language").select("en").run()
    assert not app.info


def test_a_report_that_is_too_large_is_not_fetched(app: AppTest, registry: FakeRegistry) -> None:
    registry.sizes["report.html"] = 9_000_000
    open_page(app, "artifacts")
    app.segmented_control(key="artifacts-kind").select("report").run()
    assert "It is 8.6 MB large" in page_text(app)
    assert "report.html" not in registry.fetched


def test_the_model_card_is_part_of_the_page(app: AppTest, registry: FakeRegistry) -> None:
    open_page(app, "artifacts")
    app.segmented_control(key="artifacts-kind").select("card").run()
    card = next(one.value for one in app.markdown if "Costs nothing." in one.value)
    assert card.startswith("### Model card: risk\n")
    assert "Generated" not in card


def test_missing_artifacts_and_a_deleted_run_are_reported(app: AppTest, registry: FakeRegistry) -> None:
    registry.files["3"] = {}
    assert "The run of version 3 has no artifact of this kind" in page_text(open_page(app, "artifacts"))
    registry.add("2", run=False)
    del registry.metrics["2"]
    app.selectbox(key="artifacts-version").select("2").run()
    assert "The run of version 2 was deleted from MLflow" in page_text(app)


def test_two_versions_are_compared_metric_by_metric(app: AppTest, registry: FakeRegistry) -> None:
    registry.metrics["4"] = METRICS | {"auroc": 0.64}
    registry.params["4"]["n_estimators"] = "500"
    open_page(app, "compare")
    metrics, settings = (table.value for table in app.table)
    assert list(metrics.loc["AUROC"])[:2] == ["0.6600 (0.6500 to 0.6700)", "0.6400 (0.6500 to 0.6700)"]
    assert settings.to_dict("list") == {"Version 3": ["300"], "Version 4": ["500"]}
    page = page_text(app)
    assert "on the same data" in page
    assert "2 other settings are equal." in page
    charts = [chart.proto.alt for chart in app.get("vega_lite_chart")]
    assert charts[0].startswith("AUROC with 95% intervals. Version 3 0.6600 (0.6500 to 0.6700); Version 4 0.6400")


def test_versions_of_different_data_are_compared_with_a_warning(app: AppTest, registry: FakeRegistry) -> None:
    registry.versions["4"]["data_version"] = "another"
    assert "a difference may be due to the patients" in page_text(open_page(app, "compare"))


def test_a_version_is_not_compared_with_itself(app: AppTest, registry: FakeRegistry) -> None:
    open_page(app, "compare")
    app.selectbox(key="compare-second").select("3").run()
    assert "These are the same version" in page_text(app)


def test_a_comparison_takes_two_versions(app: AppTest, registry: FakeRegistry) -> None:
    registry.versions = {"3": registry.versions["3"]}
    assert "There is one version only" in page_text(open_page(app, "compare"))


def test_requests_to_the_registry_are_concurrent(platform: Platform, registry: FakeRegistry) -> None:
    state = services.serving_state()
    two_sent = threading.Barrier(2, timeout=60)  # answers two requests, or none
    platform.before_reply = lambda _path: two_sent.wait()
    snapshot = fetch_snapshot(state)
    assert isinstance(snapshot, RegistrySnapshot)
    runs = fetch_runs(snapshot.production, snapshot.challenger)
    assert not isinstance(runs, ServiceError)
    assert all(runs)
    assert fetch_runs(snapshot.production, snapshot.challenger) is runs
