"""The form of the Prediction page: what is entered, what is sent, and what is said of invalid entries."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ml.schema import BY_NAME, EXAMPLE_RECORD, FEATURES, UNKNOWN, Kind
from ml.schema.code_systems import CodeSystem
from tests.integration.ui.conftest import Platform
from tests.integration.ui.predict.page import predict, shown
from ui.i18n.wording import label_of
from ui.predict import medications
from ui.predict.diagnosis import search
from ui.predict.examples import FURTHER
from ui.predict.fields import further_groups
from ui.predict.medications import OFFERED


def test_an_empty_form_sends_an_empty_record(app: AppTest, platform: Platform) -> None:
    page = shown(predict(app.run()))
    assert platform.records == [{}]
    assert "0 of 47 fields known" in page


def test_the_form_sends_the_keys_and_codes_of_the_data_set(app: AppTest, platform: Platform) -> None:
    app.run()
    app.selectbox(key="field-race").select("AfricanAmerican")
    app.selectbox(key="field-age").select("[60-70)")
    app.selectbox(key="field-discharge_disposition_id").select(6)
    app.number_input(key="field-time_in_hospital").set_value(4)
    app.text_input(key="field-diag_2").set_value("heart failure")
    app.text_input(key="field-diag_1").set_value(" 250.83 ")
    predict(app)
    assert platform.records == [
        {
            "race": "AfricanAmerican",
            "age": "[60-70)",
            "discharge_disposition_id": 6,
            "time_in_hospital": 4,
            "diag_1": "250.83",
            "diag_2": "428",
        }
    ]
    assert "6 of 47 fields known" in shown(app)


def test_the_example_fills_every_field_and_reset_empties_them(app: AppTest, platform: Platform) -> None:
    app.run()
    app.button(key="example").click().run()
    predict(app)
    assert platform.records[-1] == EXAMPLE_RECORD
    app.button(key="reset").click().run()
    assert app.selectbox(key="field-race").value == UNKNOWN
    assert app.number_input(key="field-time_in_hospital").value is None
    assert app.text_input(key="field-diag_1").value is None
    assert not app.multiselect(key="medications").value
    predict(app)
    assert platform.records[-1] == {}


@pytest.mark.parametrize("example", FURTHER, ids=lambda example: example.key)
def test_each_example_fills_in_its_record_only(app: AppTest, platform: Platform, example: Any) -> None:
    app.run()
    app.button(key="example").click().run()
    app.button(key=example.key).click().run()
    predict(app)
    assert platform.records == [example.record]


def test_an_example_removes_the_previous_result(app: AppTest) -> None:
    predict(app.run())
    app.button(key="often-admitted").click().run()
    assert not app.metric


def test_every_field_can_be_left_unknown(app: AppTest) -> None:
    app.run()
    offered = {element.key for kind in (app.selectbox, app.number_input, app.text_input) for element in kind}
    expected = {f"field-{one.name}" for one in FEATURES if one.name not in medications.ALL} | {"field-patient_nbr"}
    assert offered == expected
    listed = [one for one in FEATURES if one.kind in (Kind.CATEGORY, Kind.CODE) and one.name not in medications.ALL]
    assert all(app.selectbox(key=f"field-{one.name}").options[0] == "Unknown" for one in listed)
    assert app.text_input(key="field-diag_1").value is None
    assert set(app.multiselect(key="medications").options) == {label_of(BY_NAME[name]) for name in OFFERED}


def test_medications_are_chosen_from_a_list_and_a_switch_says_that_all_others_are_not_prescribed(
    app: AppTest, platform: Platform
) -> None:
    app.run().multiselect(key="medications").select("insulin").select("metformin").run()
    app.selectbox(key="dose-insulin").select("Up")
    predict(app)
    assert platform.records[-1] == {"metformin": "Steady", "insulin": "Up"}
    app.toggle(key="medications-others").set_value(True)
    predict(app)
    assert platform.records[-1] == dict.fromkeys(medications.ALL, "No") | {"metformin": "Steady", "insulin": "Up"}
    assert "Filled in: Medications 23 of 25." in shown(app)


def test_codes_of_icd_10_cm_are_sent_as_such_and_the_result_says_what_they_became(
    app: AppTest, platform: Platform
) -> None:
    bodies: list[Any] = []
    status, answer = platform.predict({})
    codes = [{"diag_1": {"given": "J44.9", "used": "496", "choices": ["496", "491.2"]}}]
    platform.more[("POST", "/predict")] = lambda request: (
        bodies.append(request.json()),
        (status, {**answer, "codes": codes}),
    )[1]
    app.run()
    app.segmented_control(key="code-system").select(CodeSystem.ICD10).run()
    app.text_input(key="field-diag_1").set_value("j449")
    app.text_input(key="field-diag_2").set_value("heart attack")
    page = shown(predict(app))
    assert bodies == [{"records": [{"diag_1": "J44.9", "diag_2": "I21.9"}], "code_system": "icd-10-cm"}]
    assert "J44.9 → 496 Chronic airway obstruction" in page


@pytest.mark.parametrize(
    ("entry", "said", "offered"),
    [
        ("stroke", "is not a code in ICD-9-CM. Did you mean:", "434 Occlusion of cerebral arteries"),
        ("J44.9", "looks like ICD-10-CM: choose that code system above", "496 Chronic airway obstruction"),
        ("4283.1", "Did you mean:", "428.31 Heart failure"),
        ("xyzzy", "and no diagnosis has such a name.", None),
    ],
)
def test_what_is_no_code_is_said_with_what_it_might_be(
    app: AppTest, platform: Platform, entry: str, said: str, offered: str | None
) -> None:
    app.run().text_input(key="field-diag_1").set_value(entry).run()
    assert said in shown(app)
    if offered is None:
        return
    pills = app.pills(key="field-diag_1-suggestions")
    assert pills.options[0].startswith(offered)
    first = search.suggestions(entry)[0]
    pills.select(first).run()
    assert app.text_input(key="field-diag_1").value == first
    assert "Did you mean" not in shown(app)
    predict(app)
    assert platform.records[-1] == {"diag_1": first}


def test_the_patient_may_be_a_text(app: AppTest, platform: Platform) -> None:
    app.run().text_input(key="field-patient_nbr").set_value("MRN-0042")
    predict(app)
    assert platform.records == [{"patient_nbr": "MRN-0042"}]


def test_a_number_that_is_not_allowed_is_named_below_the_button_and_its_group_is_opened(
    app: AppTest, platform: Platform
) -> None:
    errors = [{"record": 0, "field": "num_medications", "value": 990, "message": "too many", "allowed": None}]
    predict(app.run())
    platform.more[("POST", "/predict")] = lambda _request: (422, platform.problem(422, "1 field is not valid.", errors))
    app.number_input(key="field-num_medications").set_value(990)
    page = shown(predict(app))
    assert not app.metric
    assert "There is no result: the reason stands below the button" in page
    assert "Distinct medications “990”" in page
    assert "enter a whole number from 0 to 100" in page
    group = BY_NAME["num_medications"].group
    assert {key: app.session_state[key] for key in (f"group-{one}" for one in further_groups())} == {
        f"group-{one}": one is group for one in further_groups()
    }


def test_a_stay_longer_than_any_in_the_data_is_sent_as_the_longest_and_told(app: AppTest, platform: Platform) -> None:
    note = "Length of stay (days): 20 was entered. The model has seen at most 14"
    app.run().number_input(key="field-time_in_hospital").set_value(20)
    assert note in shown(predict(app))
    assert platform.records == [{"time_in_hospital": 14}]
    app.number_input(key="field-time_in_hospital").set_value(14)
    assert note not in shown(predict(app))


def test_the_form_says_how_many_fields_of_each_group_are_filled_in(app: AppTest) -> None:
    assert "Filled in:" not in shown(app.run())
    app.text_input(key="field-diag_1").set_value("428")
    app.number_input(key="field-time_in_hospital").set_value(0)
    assert "Filled in: This stay 1 of 4, Diagnoses 1 of 4." in shown(app.run())
    app.switch_page("app_pages/model.py").run().switch_page("app_pages/predict.py").run()
    assert "Filled in: This stay 1 of 4, Diagnoses 1 of 4." in shown(app)


def test_a_field_error_has_the_label_and_the_allowed_values(app: AppTest) -> None:
    app.run()
    app.text_input(key="field-diag_2").set_value("xyzzy")
    predict(app)
    assert not app.metric
    expected = app.error[0].value
    assert expected.startswith("Please correct this field:")
    assert "Second diagnosis (ICD-9-CM) “xyzzy”: enter an ICD-9-CM code such as 428".replace(":", "\\:") in expected
