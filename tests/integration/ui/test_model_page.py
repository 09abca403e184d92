"""The Model page in each of its states, against the contract of MLflow and Airflow over real HTTP."""

import time
from html import unescape

import pytest
from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Asked, Platform
from tests.integration.ui.registry import FIGURES, PROMOTED, REFUSED, FakeRegistry
from ui import services
from ui.clients.airflow import DagRun
from ui.clients.faults import ServiceError
from ui.versions import shelf
from ui.versions.roll_back import Asked as Rollback

MODEL_PAGE = "app_pages/model.py"
NOBODY = "http://127.0.0.1:9"
KEY = "the operator's key"


@pytest.fixture
def registry(platform: Platform) -> FakeRegistry:
    """Version 3 in production, version 4 refused, version 2 replaced, version 1 withdrawn."""
    found = FakeRegistry(aliases={"production": "3", "challenger": "4"})
    found.add("1", PROMOTED | {"gate.rolled_back": "2026-05-02T02:12:00+00:00"})
    found.add("2", PROMOTED | {"gate.replaced": "1"})
    found.add("3", PROMOTED | {"gate.replaced": "2", "gate.decided_at": "2026-05-04T02:12:00+00:00"})
    found.add("4", REFUSED)
    found.answer_on(platform)
    return found


def open_page(app: AppTest, view: str = "overview") -> AppTest:
    app.run().switch_page(MODEL_PAGE)
    app.session_state["view"] = view
    app.run()
    assert not app.exception
    return app


def shown(app: AppTest) -> str:
    """Everything that a person reads, without the marks that keep it from being taken for Markdown."""
    kinds = (app.header, app.subheader, app.markdown, app.info, app.warning, app.error, app.success)
    texts = [element.value for kind in kinds for element in kind]
    return "\n".join([*texts, *(table.value.to_string() for table in app.table)]).replace("\\", "")


def test_production_and_challenger_stand_side_by_side(app: AppTest, registry: FakeRegistry) -> None:
    open_page(app)
    facts = app.table[0].value
    assert list(facts.columns) == ["Production: version 3", "Challenger: version 4"]
    assert list(facts.loc["Gate"]) == ["promoted", "refused"]
    assert list(facts.loc["Rule that settled it"]) == ["Better than production", "Not worse than production"]
    assert facts.loc["Decided", "Production: version 3"] == "4 May 2026, 02:12 UTC"
    assert facts.loc["Took the place of", "Production: version 3"] == "version 2"
    page = shown(app)
    for text in ("5f2c9a7be01d", "4 May 2026, 02:11 UTC", "UCI 296", "AUROC is shown to be worse: -0.020"):
        assert text in page


def test_figures_of_both_have_intervals_by_api_and_by_run(app: AppTest, registry: FakeRegistry) -> None:
    figures = open_page(app).table[1].value
    assert list(figures.loc["AUROC"])[:2] == ["0.6712 (0.6588 to 0.6829)", "0.6600 (0.6500 to 0.6700)"]
    assert list(figures.loc["Calibration error"])[1] == "not measured"


def test_a_challenger_in_production_is_one_column(app: AppTest, registry: FakeRegistry) -> None:
    registry.aliases["challenger"] = "3"
    open_page(app)
    assert list(app.table[0].value.columns) == ["Production and challenger: version 3"]
    assert "no newer version has been trained" in shown(app)


def test_without_a_challenger_it_is_said_where_one_comes_from(app: AppTest, registry: FakeRegistry) -> None:
    del registry.aliases["challenger"]
    assert "There is no challenger: the next training makes one." in shown(open_page(app))


def test_versions_of_which_none_is_in_production_are_shown(
    app: AppTest, platform: Platform, registry: FakeRegistry
) -> None:
    platform.served = platform.registered = None
    del registry.aliases["production"]
    page = shown(open_page(app))
    assert "No version is in production" in page
    assert list(app.table[0].value.columns) == ["Challenger: version 4"]


def test_a_version_that_is_served_but_not_in_production_has_a_column(
    app: AppTest, platform: Platform, registry: FakeRegistry
) -> None:
    platform.served = "2"
    figures = open_page(app).table[1].value
    assert list(figures.columns)[:3] == [
        "Production: version 3",
        "Challenger: version 4",
        "Served by the API: version 2",
    ]


def test_it_links_to_the_version_in_mlflow_and_to_airflow(
    app: AppTest, platform: Platform, registry: FakeRegistry
) -> None:
    platform.registered = "7"
    urls = [link.proto.url for link in open_page(app).get("link_button")]
    assert any(url.endswith("/#/models/diabetes-readmission/versions/7") for url in urls)
    assert "http://airflow.example:8080/dags" in urls


def test_with_the_api_away_the_registry_still_tells(app: AppTest, platform: Platform, registry: FakeRegistry) -> None:
    platform.api_status = 502
    page = shown(open_page(app))
    assert "status 502" in page
    assert list(app.table[0].value.columns) == ["Production: version 3", "Challenger: version 4"]
    assert "0.6600 (0.6500 to 0.6700)" in page


def test_with_mlflow_away_the_page_shows_what_the_api_serves(
    app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    page = shown(open_page(app))
    assert "0.6588 to 0.6829" in page
    assert list(app.table[0].value.columns) == ["Served by the API: version 3"]
    assert "Of the challenger nothing can be said" in page


def test_with_both_away_it_says_so_of_both(app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    monkeypatch.setenv("API_URL", NOBODY)
    page = shown(open_page(app))
    assert f"The prediction API cannot be reached at {NOBODY}" in page
    assert f"MLflow cannot be reached at {NOBODY}" in page


def test_before_the_first_training_it_says_what_to_run(app: AppTest, platform: Platform) -> None:
    platform.served = platform.registered = None
    FakeRegistry().answer_on(platform)
    assert "No model yet" in shown(open_page(app))
    assert not app.table


def test_a_synthetic_model_is_marked_here_too(app: AppTest, platform: Platform, registry: FakeRegistry) -> None:
    platform.data_source = "synthetic"
    assert "Synthetic cohort" in shown(open_page(app))
    assert "not for any real patient" in app.warning[0].value


def test_a_metric_that_was_not_measured_is_said_to_be_so(
    app: AppTest, platform: Platform, registry: FakeRegistry
) -> None:
    platform.unmeasured = ("ece",)
    assert "not measured" in shown(open_page(app))


def test_a_challenger_whose_run_is_gone_has_no_figures(app: AppTest, registry: FakeRegistry) -> None:
    registry.add("4", run=False)
    registry.figures.clear()
    figures = open_page(app).table[1].value
    assert list(figures["Challenger: version 4"]) == ["not measured"] * 4


def test_the_ledger_has_every_version_the_newest_first(app: AppTest, registry: FakeRegistry) -> None:
    ledger = open_page(app, "decisions").table[0].value
    assert list(ledger["Version"]) == ["**4** (challenger)", "**3** (production)", "2", "1"]
    assert list(ledger["Decision"]) == ["refused", "promoted", "promoted", "promoted; withdrawn 2 May 2026, 02:12 UTC"]
    assert list(ledger["Took the place of"]) == ["", "version 2", "version 1", ""]


def test_a_long_ledger_is_shown_in_part_until_asked_for(app: AppTest, registry: FakeRegistry) -> None:
    for number in range(5, 31):
        registry.add(str(number), run=False)
    open_page(app, "decisions")
    assert len(app.table[0].value) == 20
    app.toggle(key="all-versions").set_value(True).run()
    assert len(app.table[0].value) == 30
    assert app.table[0].value["Decision"][0] == "not decided yet"


def test_nothing_of_a_run_is_fetched_before_it_is_looked_at(app: AppTest, registry: FakeRegistry) -> None:
    open_page(app)
    assert registry.fetched == []


def test_plots_are_shown_with_their_meaning_and_figures(app: AppTest, registry: FakeRegistry) -> None:
    open_page(app, "exhibits")
    assert sorted(registry.fetched) == ["plots/calibration.png", "plots/roc.png"]
    alternatives = [image.alt for element in app.get("image") for image in element.proto.imgs]
    assert any(text.startswith("ROC curve. Sensitivity against") for text in alternatives)
    assert "AUROC: 0.6600 (0.6500 to 0.6700)" in shown(app)


def test_a_plot_that_is_too_large_is_not_fetched(app: AppTest, registry: FakeRegistry) -> None:
    registry.sizes["plots/roc.png"] = 5_000_000
    assert "too large to be shown here" in shown(open_page(app, "exhibits"))
    assert registry.fetched == ["plots/calibration.png"]


def test_the_report_is_shown_where_its_scripts_cannot_run(app: AppTest, registry: FakeRegistry) -> None:
    open_page(app, "exhibits")
    app.segmented_control(key="exhibit").select("report").run()
    assert not app.exception
    frame = app.get("iframe")[0].proto
    assert frame.alt == "Report of version 3"
    assert 'sandbox=""' in frame.srcdoc
    assert "<script>" not in frame.srcdoc
    assert "<h1>Report</h1>" in unescape(frame.srcdoc)


def test_a_report_that_is_too_large_is_pointed_to(app: AppTest, registry: FakeRegistry) -> None:
    registry.sizes["report.html"] = 9_000_000
    open_page(app, "exhibits")
    app.segmented_control(key="exhibit").select("report").run()
    assert "It is 8.6 MB large" in shown(app)
    assert "report.html" not in registry.fetched


def test_the_model_card_is_part_of_the_page(app: AppTest, registry: FakeRegistry) -> None:
    open_page(app, "exhibits")
    app.segmented_control(key="exhibit").select("card").run()
    card = next(one.value for one in app.markdown if "Costs nothing." in one.value)
    assert card.startswith("### Model card: risk\n")
    assert "Generated" not in card


def test_a_run_that_kept_nothing_or_is_gone_is_said_to_be_so(app: AppTest, registry: FakeRegistry) -> None:
    registry.files["3"] = {}
    assert "The run of version 3 kept nothing of this kind" in shown(open_page(app, "exhibits"))
    registry.add("2", run=False)
    del registry.figures["2"]
    app.selectbox(key="exhibit-version").select("2").run()
    assert "The run behind version 2 is gone from MLflow" in shown(app)


def test_two_versions_are_compared_figure_by_figure(app: AppTest, registry: FakeRegistry) -> None:
    registry.figures["4"] = FIGURES | {"auroc": 0.64}
    registry.params["4"]["n_estimators"] = "500"
    open_page(app, "compare")
    figures, settings = (table.value for table in app.table)
    assert list(figures.loc["AUROC"])[:2] == ["0.6600 (0.6500 to 0.6700)", "0.6400 (0.6500 to 0.6700)"]
    assert settings.to_dict("list") == {"Version 3": ["300"], "Version 4": ["500"]}
    page = shown(app)
    assert "on the same data" in page
    assert "2 other settings are equal." in page
    charts = [chart.proto.alt for chart in app.get("vega_lite_chart")]
    assert charts[0].startswith("AUROC with 95% intervals. Version 3 0.6600 (0.6500 to 0.6700); Version 4 0.6400")


def test_versions_of_different_data_are_compared_with_a_warning(app: AppTest, registry: FakeRegistry) -> None:
    registry.versions["4"]["data_version"] = "another"
    assert "a difference may be due to the patients" in shown(open_page(app, "compare"))


def test_a_version_is_not_compared_with_itself(app: AppTest, registry: FakeRegistry) -> None:
    open_page(app, "compare")
    app.selectbox(key="compare-second").select("3").run()
    assert "These are the same version" in shown(app)


def test_a_comparison_takes_two_versions(app: AppTest, registry: FakeRegistry) -> None:
    registry.versions = {"3": registry.versions["3"]}
    assert "There is one version only" in shown(open_page(app, "compare"))


def test_nobody_rolls_back_without_the_operator_key(app: AppTest, registry: FakeRegistry) -> None:
    assert "set OPERATOR_KEY" in shown(open_page(app, "roll-back"))
    assert not [button for button in app.button if button.key == "roll-back"]


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPERATOR_KEY", KEY)


def unlocked(app: AppTest) -> AppTest:
    open_page(app, "roll-back")
    app.text_input(key="roll-back-key").input(KEY)
    return app.button(key="roll-back-unlock").click().run()


@pytest.mark.usefixtures("operator")
def test_the_version_that_production_replaced_is_proposed(app: AppTest, registry: FakeRegistry) -> None:
    unlocked(app)
    assert app.selectbox(key="roll-back-to").value == "2"
    assert "1 (RandomForest, withdrawn)" in app.selectbox(key="roll-back-to").options


@pytest.mark.usefixtures("operator")
def test_a_confirmation_is_asked_for(app: AppTest, registry: FakeRegistry) -> None:
    unlocked(app)
    app.button(key="roll-back").click().run()
    assert not app.exception
    assert "from version **3** to version **2**" in "\n".join(one.value for one in app.markdown)
    assert app.text_input(key="roll-back-typed").label == "Type 2 to confirm"


def dialog() -> None:
    from ui.versions import roll_back

    roll_back.confirm("3", "2")


@pytest.fixture
def started(platform: Platform) -> list[Asked]:
    """Airflow's side: what it was asked to start."""
    found: list[Asked] = []

    def start(asked: Asked) -> tuple[int, object]:
        found.append(asked)
        return 200, {"dag_id": "roll_back_model", "dag_run_id": "manual 1", "state": "queued"}

    platform.more |= {
        ("POST", "/auth/token"): lambda _: (201, {"access_token": "token"}),
        ("PATCH", "/api/v2/dags/roll_back_model"): lambda _: (200, {}),
        ("POST", "/api/v2/dags/roll_back_model/dagRuns"): start,
    }
    return found


@pytest.mark.usefixtures("operator")
def test_nothing_is_started_before_the_number_was_typed(started: list[Asked]) -> None:
    app = AppTest.from_function(dialog, default_timeout=30)
    app.session_state["operator-unlocked"] = True
    app.run()
    app.text_input(key="roll-back-typed").input("3")
    app.button(key="roll-back-now").click().run()
    assert app.error[0].value == "The number differs: type 2."
    assert started == []


@pytest.mark.usefixtures("operator")
def test_a_key_that_was_locked_again_starts_nothing(started: list[Asked]) -> None:
    app = AppTest.from_function(dialog, default_timeout=30).run()
    app.text_input(key="roll-back-typed").input("2")
    app.button(key="roll-back-now").click().run()
    assert "locked again" in app.error[0].value
    assert started == []


@pytest.mark.usefixtures("operator")
def test_a_confirmed_rollback_starts_the_pipeline_with_version_and_reason(started: list[Asked]) -> None:
    app = AppTest.from_function(dialog, default_timeout=30)
    app.session_state["operator-unlocked"] = True
    app.run()
    app.text_input(key="roll-back-reason").input("risks are too high")
    app.text_input(key="roll-back-typed").input("2")
    app.button(key="roll-back-now").click().run()
    assert not app.exception
    assert [one.json()["conf"] for one in started] == [
        {"to": "2", "actor": "an operator, in the interface", "reason": "risks are too high"}
    ]
    assert app.session_state["roll-back-asked"].run.dag_run_id == "manual 1"


def asked_for(app: AppTest, platform: Platform, state: str) -> str:
    """The page after a rollback to version 2 was asked for, whose run is in a state."""
    run = {"dag_id": "roll_back_model", "dag_run_id": "manual 1", "state": state}
    platform.more |= {
        ("POST", "/auth/token"): lambda _: (201, {"access_token": "token"}),
        ("GET", "/api/v2/dags/roll_back_model/dagRuns/manual 1"): lambda _: (200, run),
        ("GET", "/api/v2/dags/roll_back_model/dagRuns/manual%201"): lambda _: (200, run),
    }
    app.session_state["roll-back-asked"] = Rollback("2", "3", DagRun.model_validate(run | {"state": "queued"}))
    return shown(open_page(app, "roll-back"))


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("queued", "Rolling back to version 2: waiting in Airflow."),
        ("running", "Rolling back to version 2: under way."),
        ("success", "Production is version 2 again, and version 3 is withdrawn."),
        ("failed", "The rollback to version 2 was not carried out"),
    ],
)
def test_the_run_is_followed_to_its_outcome(
    app: AppTest, platform: Platform, registry: FakeRegistry, state: str, told: str
) -> None:
    assert told in asked_for(app, platform, state)
    urls = [link.proto.url for link in app.get("link_button")]
    assert any(url.startswith("http://airflow.example:8080/dags/roll_back_model/runs/manual") for url in urls)


def test_an_outcome_that_was_read_can_be_dismissed(app: AppTest, platform: Platform, registry: FakeRegistry) -> None:
    asked_for(app, platform, "success")
    app.button(key="roll-back-dismiss").click().run()
    assert "is withdrawn." not in shown(app)


def test_with_airflow_away_the_rollback_under_way_is_not_given_up(
    app: AppTest, platform: Platform, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_URL", NOBODY)
    assert f"Airflow cannot be reached at {NOBODY}" in asked_for(app, platform, "running")
    assert "roll-back-asked" in app.session_state


def test_independent_questions_to_the_registry_go_out_together(platform: Platform, registry: FakeRegistry) -> None:
    picture = services.picture()
    platform.delay = 0.5
    start = time.monotonic()
    found = shelf.look(picture)
    assert isinstance(found, shelf.Shelf)
    assert time.monotonic() - start < 0.95
    start = time.monotonic()
    runs = shelf.runs_of(found.production, found.challenger)
    assert not isinstance(runs, ServiceError)
    assert all(runs)
    assert time.monotonic() - start < 0.95
    assert shelf.runs_of(found.production, found.challenger) is runs
