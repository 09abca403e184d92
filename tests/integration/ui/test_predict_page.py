import pytest
from streamlit.testing.v1 import AppTest

from ml.schema import EXAMPLE_RECORD, FEATURES, UNKNOWN
from tests.integration.ui.conftest import Platform


def shown(app: AppTest) -> str:
    """Everything a person can read on the page."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.error, app.warning, app.info)
    badges_and_texts = [element.value for kind in kinds for element in kind]
    return "\n".join([*badges_and_texts, *(metric.value for metric in app.metric)])


def predict(app: AppTest) -> AppTest:
    return app.button(key="predict").click().run()


def test_the_header_names_the_production_model_and_the_served_version(app: AppTest) -> None:
    page = shown(app.run())
    assert not app.exception
    assert "Production in MLflow: diabetes-readmission version 3" in page
    assert "Served by the API: version 3" in page
    assert "still serves" not in page


def test_a_form_left_empty_asks_about_an_unknown_patient(app: AppTest, platform: Platform) -> None:
    page = shown(predict(app.run()))
    assert platform.records == [{}]
    assert "0 of 47 fields known" in page


def test_what_is_filled_in_is_sent_under_the_keys_and_codes_of_the_data_set(app: AppTest, platform: Platform) -> None:
    app.run()
    app.selectbox(key="field-race").select("AfricanAmerican")
    app.selectbox(key="field-age").select("[60-70)")
    app.selectbox(key="field-discharge_disposition_id").select(6)
    app.number_input(key="field-time_in_hospital").set_value(4)
    app.text_input(key="field-diag_1").input(" 250.83 ")
    predict(app)
    assert platform.records == [
        {
            "race": "AfricanAmerican",
            "age": "[60-70)",
            "discharge_disposition_id": 6,
            "time_in_hospital": 4,
            "diag_1": "250.83",
        }
    ]
    assert "5 of 47 fields known" in shown(app)


def test_the_result_shows_risk_standing_model_and_request(app: AppTest) -> None:
    page = shown(predict(app.run()))
    assert app.metric[0].value == "18.0%"
    assert "of the cohort, 1.6 times the average of 11.4%" in page
    assert "Model diabetes-readmission, version 3. Request 0f1e2d3c." in page
    assert "Not for clinical use" in page
    chart = app.get("vega_lite_chart")[0].proto
    assert "This patient: 18.0%" in chart.alt


def test_the_example_patient_fills_every_field_and_reset_empties_them(app: AppTest, platform: Platform) -> None:
    app.run()
    app.button(key="example").click().run()
    predict(app)
    assert platform.records[-1] == EXAMPLE_RECORD
    app.button(key="reset").click().run()
    assert app.selectbox(key="field-race").value == UNKNOWN
    assert app.number_input(key="field-time_in_hospital").value is None
    predict(app)
    assert platform.records[-1] == {}


def test_every_field_can_be_left_unknown(app: AppTest) -> None:
    app.run()
    offered = {element.key for kind in (app.selectbox, app.number_input, app.text_input) for element in kind}
    assert offered == {f"field-{column.name}" for column in FEATURES}
    assert all(choice.options[0] == "Unknown" for choice in app.selectbox)


def test_a_refused_field_is_named_by_its_label_with_the_reason(app: AppTest) -> None:
    app.run()
    app.text_input(key="field-diag_2").input("flu")
    predict(app)
    assert not app.metric
    told = app.error[0].value
    assert told.startswith("Please correct this field:")
    assert "Second diagnosis (ICD-9-CM) “flu”: enter an ICD-9-CM code such as 428".replace(":", "\\:") in told


@pytest.mark.parametrize("data_source", ["synthetic", "real"])
def test_a_model_of_synthetic_data_is_marked_as_such(app: AppTest, platform: Platform, data_source: str) -> None:
    platform.data_source = data_source
    banner = "Trained on synthetic data: not for any real patient" in shown(app.run())
    assert banner is (data_source == "synthetic")


def test_a_version_the_api_has_not_taken_up_yet_is_hinted_at(app: AppTest, platform: Platform) -> None:
    platform.registered = "4"
    assert "Production is version 4, the API still serves version 3" in shown(app.run())


def test_a_refused_version_is_told_with_its_reason(app: AppTest, platform: Platform) -> None:
    platform.registered = "4"
    platform.refused = {"version": "4", "reason": "golden requests differ", "at": "2026-05-04T02:12:00+00:00"}
    assert "refused version 4 (golden requests differ) and goes on serving version 3" in shown(app.run())


def test_a_model_swapped_between_two_requests_is_shown_with_its_own_cohort(app: AppTest, platform: Platform) -> None:
    app.run()
    platform.served = platform.registered = "4"
    page = shown(predict(app))
    assert "Model diabetes-readmission, version 4." in page
    assert app.get("vega_lite_chart")


def test_a_metric_that_was_not_measured_does_not_stop_anything(app: AppTest, platform: Platform) -> None:
    platform.unmeasured = ("ece",)
    assert "Served by the API: version 3" in shown(app.run())
