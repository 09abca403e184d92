"""The entries in the address, and the print view of a result."""

from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from ml.schema import EXAMPLE_RECORD
from tests.integration.ui.address import address
from tests.integration.ui.conftest import Platform
from tests.integration.ui.predict.page import predict, predict_example, shown


def printed(app: AppTest) -> str:
    (page,) = [one.proto.body for one in app.get("html") if "<h1>" in one.proto.body]
    return page


def test_the_address_has_the_entries_and_no_identifier(app: AppTest) -> None:
    app.run().button(key="example").click().run()
    app.text_input(key="field-patient_nbr").set_value("MRN-0042").run()
    assert "MRN" not in str(address(app))
    assert address(app)["age"] == "[60-70)"
    assert address(app)["other_medications"] == "No"


def test_an_address_fills_in_the_form(app: AppTest, platform: Platform) -> None:
    parameters = {"age": "[60-70)", "diag_1": "J44.9", "code_system": "icd-10-cm", "insulin": "Up", "patient_nbr": "7"}
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    assert app.selectbox(key="field-age").value == "[60-70)"
    assert app.multiselect(key="medications").value == ["insulin"]
    del parameters["patient_nbr"]
    assert {name: value for name, value in address(app).items() if name != "patient_nbr"} == parameters
    predict(app)
    assert platform.records == [{"age": "[60-70)", "diag_1": "J44.9", "insulin": "Up"}]


def test_what_was_entered_after_the_page_was_opened_stays(app: AppTest, platform: Platform) -> None:
    app.query_params["race"] = "Asian"
    app.run().selectbox(key="field-race").select("Hispanic").run()
    predict(app)  # the address that the test library sends is still the first one
    assert platform.records == [{"race": "Hispanic"}]
    app.switch_page("app_pages/model.py").run().switch_page("app_pages/predict.py").run()
    assert address(app)["race"] == "Hispanic"


def test_what_is_entered_faster_than_the_browser_changes_its_address_stays(app: AppTest, platform: Platform) -> None:
    app.run().selectbox(key="field-race").select("Asian").run()
    of_race = address(app)
    app.selectbox(key="field-gender").select("Female").run()  # the browser still sends the address without parameters
    app.query_params.update(of_race)
    app.selectbox(key="field-age").select("[60-70)").run()  # and here that of the race alone
    predict(app)
    assert platform.records == [{"race": "Asian", "gender": "Female", "age": "[60-70)"}]


def test_the_back_button_brings_back_an_address_of_an_earlier_visit(app: AppTest) -> None:
    app.run().selectbox(key="field-race").select("Asian").run()
    earlier = address(app)
    app.switch_page("app_pages/model.py").run().switch_page("app_pages/predict.py").run()
    app.selectbox(key="field-race").select("Hispanic").run()
    app.switch_page("app_pages/model.py").run().switch_page("app_pages/predict.py")
    app.query_params.update(earlier)
    app.run()
    assert app.selectbox(key="field-race").value == "Asian"


def test_another_address_in_the_same_session_fills_in_its_form(app: AppTest) -> None:
    predict_example(app)
    app.query_params["race"] = "Asian"
    app.run()
    assert app.selectbox(key="field-race").value == "Asian"
    assert app.selectbox(key="field-age").value == "?"
    assert not app.metric


def test_the_print_view_has_model_date_entries_reliability_and_limits_but_no_identifier(
    app: AppTest, platform: Platform
) -> None:
    app.run().button(key="example").click().run()
    app.text_input(key="field-patient_nbr").set_value("MRN-0042")
    predict(app)
    page = printed(app)
    for text in (
        "Risk of readmission within 30 days: 18.0%",
        "Model diabetes-readmission, version 3. Request 0f1e2d3c.",
        "UTC",
        "random_forest",
        "Top fifth of the test encounters.",
        "fields known.",
        "Range: 11.0% to 27.0%",
        "<span>Age (years):</span> 60 to 69",
        "<span>Insulin:</span> Dose unchanged",
        "<span>All other diabetes medications:</span> Not prescribed",
        "428 Heart failure",
        "Not for clinical use",
    ):
        assert text in page, text
    assert "MRN" not in page
    assert "**" not in page
    assert platform.records[-1] == {**EXAMPLE_RECORD, "patient_nbr": "MRN-0042"}


def test_the_print_view_escapes_what_the_service_says(app: AppTest, platform: Platform) -> None:
    status, answer = platform.predict({})
    note = {"record": 0, "field": "change", "message": "<script>alert(1)</script>"}
    platform.more[("POST", "/predict")] = lambda _request: (status, {**answer, "warnings": [note]})
    predict_example(app)
    assert "<script>alert" not in printed(app)


def test_the_button_prints_once(app: AppTest) -> None:
    def scripts() -> list[str]:
        return [one.proto.body for one in app.get("html") if "print()" in one.proto.body]

    predict_example(app)
    assert not scripts()
    app.button(key="print").click().run()
    (first,) = scripts()
    app.button(key="print").click().run()
    assert scripts() != [first]
    assert not (app.run() and scripts())


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_print_view_is_in_the_language_of_the_page(app: AppTest, language: str) -> None:
    app.query_params["language"] = language
    predict_example(app)
    assert ("Límites" in printed(app)) is (language == "es")
    assert parse_qs("language=" + language)["language"][0] == address(app).get("language", language)
    assert shown(app)
