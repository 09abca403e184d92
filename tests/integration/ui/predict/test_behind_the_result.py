"""Explanation of a result: contributions, what-if analysis and unknown fields."""

from streamlit.testing.v1 import AppTest

from ml.schema import BY_NAME, EXAMPLE_RECORD, UNKNOWN
from tests.integration.ui.conftest import Platform
from tests.integration.ui.predict.page import OF_API, explained, predict, shown


def test_the_unknown_fields_with_most_information_are_listed(app: AppTest, platform: Platform) -> None:
    status, model = platform.model()
    model["completeness"]["weights"] |= {"number_inpatient": 0.4, "race": 0.3, "earlier_stays": 0.2}
    platform.more[("GET", "/model")] = lambda _request: (status, model)
    app.run()
    app.selectbox(key="field-race").select("Asian")
    predict(app)
    (table,) = [one.value for one in app.table if "Share of all information" in one.value.columns]
    assert table["Field"].tolist()[:2] == [
        "Inpatient stays (stays in the prior year)",
        "Earlier stays of the patient",
    ]
    assert table["Share of all information"].tolist()[:2] == ["40%", "20%"]


def test_contributions_are_drawn_with_a_text_and_a_table(app: AppTest, platform: Platform) -> None:
    received = explained(platform)
    app.run()
    app.text_input(key="field-diag_1").set_value("428")
    app.number_input(key="field-number_inpatient").set_value(2)
    predict(app)
    assert received == [{"number_inpatient": 2, "diag_1": "428"}]
    assert "From 11.0%, when nothing is known, to 21.3%" in shown(app)
    chart = app.get("vega_lite_chart")[0].proto
    assert "Primary diagnosis: 428 Heart failure +3.5 points" in chart.alt
    (table,) = [one.value for one in app.table if "Contribution" in one.value.columns]
    assert table["Value"].tolist() == ["2", "428 Heart failure"]


def test_contributions_are_requested_once_per_prediction(app: AppTest, platform: Platform) -> None:
    received = explained(platform)
    app.run()
    app.button(key="example").click().run()
    predict(app)
    app.run()
    assert received == [EXAMPLE_RECORD]


def test_the_prediction_remains_when_the_contributions_fail(app: AppTest, platform: Platform) -> None:
    platform.more[("POST", "/explain")] = lambda _request: (500, {"detail": "out of memory"})
    app.run()
    app.selectbox(key="field-race").select("Asian")
    page = shown(predict(app))
    assert app.metric[0].value == "18.0%"
    assert "The contributions cannot be shown now; the risk remains valid." in page
    explained(platform)
    app.button(key="ask-again").click().run()
    assert "From 11.0%, when nothing is known" in shown(app)


def test_contributions_of_another_version_are_not_shown_beside_the_risk(app: AppTest, platform: Platform) -> None:
    explained(platform, model={"name": "diabetes-readmission", "version": "9", "data_source": "real"})
    app.run()
    app.selectbox(key="field-race").select("Asian")
    assert "The model has changed since" in shown(predict(app))


def test_an_unknown_patient_number_has_no_contributions(app: AppTest, platform: Platform) -> None:
    nothing = {"explanations": [{"probability": 0.11, "base": 0.11, "contributions": [], **OF_API}]}
    explained(platform, **nothing)
    app.run()
    app.text_input(key="field-patient_nbr").set_value("1")
    assert "Nothing is known of this patient" in shown(predict(app))


def test_what_if_shows_the_difference_and_does_not_change_the_form(app: AppTest, platform: Platform) -> None:
    received = explained(platform)
    app.run()
    app.number_input(key="field-number_inpatient").set_value(2)
    predict(app)
    app.multiselect(key="what-if-fields").select("number_inpatient").run()
    assert "These are the values of the prediction." in shown(app)
    app.number_input(key="what-if-0f1e2d3c-number_inpatient").set_value(5).run()
    assert received[-1] == {"number_inpatient": 5}
    assert (app.metric[1].value, app.metric[1].delta) == ("21.3%", "+3.3 points")
    assert "Before 18.0%, after 21.3%." in shown(app)
    assert "not the effect of a treatment" in shown(app)
    assert app.number_input(key="field-number_inpatient").value == 2
    assert platform.records == [{"number_inpatient": 2}]


def test_what_if_can_make_a_field_unknown(app: AppTest, platform: Platform) -> None:
    received = explained(platform)
    app.run()
    app.selectbox(key="field-race").select("Asian")
    app.selectbox(key="field-gender").select("Male")
    predict(app)
    app.multiselect(key="what-if-fields").select("race").run()
    app.selectbox(key="what-if-0f1e2d3c-race").select(UNKNOWN).run()
    assert received[-1] == {"gender": "Male"}


def test_what_if_changes_several_fields_at_once(app: AppTest, platform: Platform) -> None:
    received = explained(platform)
    app.run()
    app.selectbox(key="field-race").select("Asian")
    app.number_input(key="field-number_inpatient").set_value(2)
    predict(app)
    fields = app.multiselect(key="what-if-fields")
    fields.select("number_inpatient").select("insulin").select("diag_1").run()
    app.number_input(key="what-if-0f1e2d3c-number_inpatient").set_value(5)
    app.selectbox(key="what-if-0f1e2d3c-insulin").select("Up")
    app.text_input(key="what-if-0f1e2d3c-diag_1").set_value("heart attack").run()
    assert received[-1] == {"race": "Asian", "number_inpatient": 5, "insulin": "Up", "diag_1": "410"}
    assert "In the prediction: 2" in shown(app)
    assert [metric.label for metric in app.metric][1:] == ["Risk with these changes"]
    assert platform.records == [{"race": "Asian", "number_inpatient": 2}]


def test_the_curve_over_one_field_is_one_request_and_has_a_table(app: AppTest, platform: Platform) -> None:
    received = explained(platform)
    app.run()
    app.selectbox(key="field-age").select("[60-70)")
    predict(app)
    before = len(received)
    app.selectbox(key="risk-curve-field").select("age").run()
    ages = BY_NAME["age"].allowed
    assert received[before:] == [{"age": age} for age in ages]
    (table,) = [one.value for one in app.table if "Age (years)" in one.value.columns]
    assert len(table) == len(ages)
    assert "**60 to 69** (entered)" in table["Age (years)"].tolist()
    app.run()
    assert len(received) == before + len(ages)
    assert len(platform.records) == 1


def test_an_error_of_the_curve_leaves_the_risk(app: AppTest, platform: Platform) -> None:
    predict(app.run())
    platform.api_status = 500
    app.selectbox(key="risk-curve-field").select("age").run()
    assert "status 500" in shown(app)
    assert app.metric[0].value == "18.0%"


def test_an_error_of_what_if_leaves_the_risk(app: AppTest, platform: Platform) -> None:
    predict(app.run())
    app.multiselect(key="what-if-fields").select("gender").run()
    platform.api_status = 500
    app.selectbox(key="what-if-0f1e2d3c-gender").select("Male").run()
    assert "status 500" in shown(app)
    assert app.metric[0].value == "18.0%"


def test_what_if_shows_field_errors_with_the_labels_of_the_form(app: AppTest, platform: Platform) -> None:
    error = {"record": 0, "field": "diag_1", "value": "flu", "message": "no code", "allowed": None}
    platform.more[("POST", "/explain")] = lambda _request: (
        422,
        platform.problem(422, "1 invalid", [error]),
    )
    predict(app.run())
    app.multiselect(key="what-if-fields").select("diag_1").run()
    app.text_input(key="what-if-0f1e2d3c-diag_1").set_value("xyzzy").run()
    assert "Primary diagnosis (ICD-9-CM) “flu”" in app.error[0].value
