"""The result of a prediction: risk, rank, reliability, notes, and the version that it comes from."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Platform
from tests.integration.ui.predict.page import predict, predict_example, shown
from ui.predict.medications import OFFERED


def test_the_header_names_the_production_model_and_the_served_version(app: AppTest) -> None:
    page = shown(app.run())
    assert not app.exception
    assert "Production in MLflow: diabetes-readmission version 3" in page
    assert "Served by the API: version 3" in page
    assert "still serves" not in page


def test_the_result_shows_risk_rank_model_and_request(app: AppTest) -> None:
    page = shown(predict_example(app))
    assert app.metric[0].value == "18.0%"
    assert "of the test encounters. 1.6 times the share readmitted among the training encounters (11.4%)." in page
    assert "Model diabetes-readmission, version 3. Request 0f1e2d3c." in page
    assert "Not for clinical use" in page
    chart = app.get("vega_lite_chart")[0].proto
    assert "This patient: 18.0%" in chart.alt


@pytest.mark.parametrize(("known", "has_rank"), [(9, False), (10, True)])
def test_a_rank_is_shown_from_a_fifth_of_the_information_on(app: AppTest, known: int, has_rank: bool) -> None:
    app.run()
    app.multiselect(key="medications").set_value(list(OFFERED[:known]))  # each holds a 47th
    page = shown(predict(app))
    assert ("Top fifth of the test encounters" in page) is has_rank
    assert ("Higher than" in page) is has_rank
    assert bool(app.get("vega_lite_chart")) is has_rank
    assert ("**No rank:** the known fields hold 19% of the information." in page) is not has_rank
    assert "1.6 times the share readmitted among the training encounters (11.4%)." in page


def test_the_band_is_shown_with_its_definition(app: AppTest) -> None:
    page = shown(predict_example(app))
    assert "Top fifth of the test encounters" in page
    assert "Bands by rank among the test encounters: lower half, up to 9.4%; upper half, up to 14.2%" in page


def test_the_result_explains_range_and_reliability(app: AppTest) -> None:
    page = shown(predict(app.run()))
    assert "**Range: 11.0% to 27.0%.** If all fields were known, 90% of such answers would lie in it." in page
    assert "in 61% of pairs; a guess would reach half (AUROC 0.61)" in page


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("used", "The earlier stays of this patient were taken into account."),
        ("unknown", "The database has no earlier stays of this patient"),
        ("unavailable", "Earlier stays could not be looked up in time"),
    ],
)
def test_with_a_patient_number_the_result_shows_the_use_of_the_history(
    app: AppTest, platform: Platform, state: str, expected: str
) -> None:
    status, answer = platform.predict({})
    platform.more[("POST", "/predict")] = lambda request: (
        platform.records.append(request.json()["records"][0]),
        (status, {**answer, "history": [state]}),
    )[1]
    app.run()
    app.text_input(key="field-patient_nbr").set_value(" 338247 ")
    assert expected in shown(predict(app))
    assert platform.records[-1] == {"patient_nbr": 338_247}


def test_a_risk_without_cohort_is_shown_without_comparison(app: AppTest, platform: Platform) -> None:
    known = platform.model()
    platform.more[("GET", "/model")] = lambda _request: known
    platform.served = "4"
    page = shown(predict(app.run()))
    assert app.metric[0].value == "18.0%"
    assert "The figures of version 4 are not available now" in page
    assert "**Range: 11.0% to 27.0%**" in page
    assert not app.get("vega_lite_chart")


def test_a_timeout_is_shown_in_the_result_panel(
    app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_TIMEOUT_SECONDS", "0.3")
    app.run()
    platform.delay = 0.6
    assert "The prediction API did not answer within 0.3 seconds" in shown(predict(app))
    assert not app.metric


def test_a_patient_who_cannot_be_readmitted_has_no_rank(app: AppTest, platform: Platform) -> None:
    status, answer = platform.predict({})
    platform.more[("POST", "/predict")] = lambda _request: (status, {**answer, "outside_population": ["expired"]})
    page = shown(predict_example(app))
    assert "Outside the population of the model" in page
    assert "Higher than" not in page
    assert "of the test encounters" not in page


def test_contradictions_are_notes(app: AppTest, platform: Platform) -> None:
    status, answer = platform.predict({})
    note = {"record": 0, "field": "change", "message": "change is Ch, but diabetesMed is No"}
    platform.more[("POST", "/predict")] = lambda _request: (status, {**answer, "warnings": [note]})
    page = shown(predict_example(app))
    assert "Notes on the entries" in page
    assert "change is Ch, but diabetesMed is No" in page
    assert "Top fifth of the test encounters" in page


def test_a_result_is_marked_once_the_form_has_changed(app: AppTest) -> None:
    mark = "Of the former entries"
    assert mark not in shown(predict(app.run()))
    assert mark in shown(app.number_input(key="field-num_medications").set_value(3).run())
    assert mark in shown(app.switch_page("app_pages/model.py").run().switch_page("app_pages/predict.py").run())
    assert mark not in shown(app.number_input(key="field-num_medications").set_value(None).run())
    app.selectbox(key="field-race").select("Asian").run()
    assert mark not in shown(predict(app))


@pytest.mark.parametrize("provenance", ["synthetic", "real"])
def test_a_model_of_synthetic_data_is_marked_as_such(app: AppTest, platform: Platform, provenance: str) -> None:
    platform.provenance = provenance
    banner = "Trained on synthetic data: not for any real patient" in shown(app.run())
    assert banner is (provenance == "synthetic")


def test_a_version_that_is_not_served_yet_is_announced(app: AppTest, platform: Platform) -> None:
    platform.registered = "4"
    assert "Production is version 4, the API still serves version 3" in shown(app.run())


def test_a_refused_version_is_shown_with_its_reason(app: AppTest, platform: Platform) -> None:
    platform.registered = "4"
    platform.refused = {"version": "4", "reason": "golden requests differ", "at": "2026-05-04T02:12:00+00:00"}
    assert "refused version 4 (golden requests differ) and still serves version 3" in shown(app.run())


def test_a_model_swapped_between_two_requests_is_shown_with_its_own_cohort(app: AppTest, platform: Platform) -> None:
    app.run()
    platform.served = platform.registered = "4"
    page = shown(predict_example(app))
    assert "Model diabetes-readmission, version 4." in page
    assert app.get("vega_lite_chart")


def test_a_missing_metric_is_accepted(app: AppTest, platform: Platform) -> None:
    platform.unmeasured = ("ece",)
    assert "Served by the API: version 3" in shown(app.run())
