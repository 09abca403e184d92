"""The Batch page from the upload to the download, in each of its states."""

import json
import time
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Platform, ReceivedRequest, Reply
from tests.support import csv_api
from tests.support.workbook import workbook
from ui.batch import tables
from ui.clients.file_scoring import RISK

PAGE = "app_pages/batch.py"
HEADER = "age,number_inpatient"
CSV = "\n".join([HEADER, *(f"[60-70),{stays}" for stays in (0, 30, 4)), ""]).encode()
FAULTY = "\n".join([HEADER, "[60-70),1", "[60-70),many", "old,2", ""]).encode()


@pytest.fixture
def page(app: AppTest, platform: Platform) -> AppTest:
    platform.headers["X-Model-Version"] = csv_api.VERSION
    platform.more["POST", "/predict/csv"] = lambda request: csv_api.answer(request.body)
    return app.run().switch_page(PAGE).run()


def upload(page: AppTest, content: bytes, name: str = "patients.csv") -> AppTest:
    return page.file_uploader(key="batch-file").set_value((name, content, "text/csv")).run()


def score(page: AppTest, button: str = "batch-start") -> AppTest:
    """Press the button and rerun the page until the job is finished."""
    page.button(key=button).click().run()
    deadline = time.monotonic() + 20
    while page.get("progress") and time.monotonic() < deadline:
        time.sleep(0.02)
        page.run()
    assert not page.exception
    return page


def texts(page: AppTest) -> str:
    assert not page.exception
    kinds = (page.markdown, page.error, page.info, page.warning, page.subheader)
    return "\n".join(element.value for kind in kinds for element in kind)


def offered(page: AppTest) -> set[str | None]:
    return {button.key for button in (*page.button, *page.get("download_button"))}


def table(page: AppTest, column: str) -> list[list[object]]:
    """The rows of the table with this column."""
    found = next(frame for frame in page.dataframe if column in frame.value)
    rows: list[list[object]] = found.value.to_numpy().tolist()
    return rows


def test_an_upload_is_described_before_anything_is_sent(page: AppTest, platform: Platform) -> None:
    platform.more["POST", "/predict/csv"] = lambda _request: pytest.fail("the file was sent")
    assert "**patients.csv**: 3 rows, 2 columns." in texts(upload(page, CSV))
    assert page.button(key="batch-start").label == "Score 3 rows"


def test_a_scored_file_is_shown_by_risk_with_summary_chart_and_downloads(page: AppTest) -> None:
    score(upload(page, CSV))
    assert [row[:2] for row in table(page, RISK)] == [[0.31, 3], [0.05, 4], [0.01, 2]]
    assert {metric.label: metric.value for metric in page.metric}.items() >= {
        "Rows scored": "3",
        "Mean risk": "12.3%",
        "Above twice the average": "33.3%",
    }.items()
    assert "half of the rows are below 5.0%" in page.get("vega_lite_chart")[0].proto.alt
    assert {"batch-sorted", "batch-in-order", "batch-template"} <= offered(page)
    assert "Model version 3" in texts(page)
    assert "Not for clinical use" in texts(page)


@pytest.mark.parametrize(
    "content", [tables.template(), b"patient_nbr,age\n7,[60-70)\n8,?\n"], ids=["template", "patient numbers"]
)
def test_a_file_with_patient_numbers_shows_the_state_of_the_history(page: AppTest, content: bytes) -> None:
    score(upload(page, content))
    history = next(frame.value["history"] for frame in page.dataframe if "history" in frame.value)
    assert set(history) == {"no patient number"}


def test_a_file_is_marked_as_a_trial_unless_it_is_production_traffic(page: AppTest, platform: Platform) -> None:
    marks: list[str | None] = []

    def answer(request: ReceivedRequest) -> Reply:
        marks.append(request.headers.get("X-Load-Test"))
        return csv_api.answer(request.body)

    platform.more["POST", "/predict/csv"] = answer
    assert "A trial: drift and realised quality do not count these" in texts(score(upload(page, CSV)))
    upload(page, CSV)
    page.checkbox(key="batch-production").check().run()
    assert "Drift and realised quality count these predictions." in texts(score(page))
    assert marks == ["1", None]


@pytest.mark.parametrize(
    ("stays", "end"), [([0], 0.05), ([4], 0.05), ([5], 0.1), ([0, 30], 0.35), ([49], 0.5)], ids=str
)
def test_the_longest_bar_of_risk_nearly_fills_its_column(page: AppTest, stays: list[int], end: float) -> None:
    score(upload(page, "\n".join([HEADER, *(f"[60-70),{one}" for one in stays), ""]).encode()))
    (config,) = [json.loads(frame.proto.columns) for frame in page.dataframe if RISK in frame.value]
    assert config[RISK]["type_config"]["max_value"] == pytest.approx(end)
    assert f"full bar: {end:.0%}" in config[RISK]["label"]


def test_a_row_without_any_value_has_empty_cells(page: AppTest) -> None:
    score(upload(page, b"age\n[60-70)\n\n"))
    assert [row[-1] for row in table(page, RISK)] == ["60 to 69", ""]


def test_an_invalid_file_shows_its_errors_and_no_result(page: AppTest) -> None:
    score(upload(page, FAULTY))
    assert "2 lines have errors. 1 line is valid." in texts(page)
    stays, age = table(page, "First lines")
    assert stays[:4] == ["Inpatient stays (stays in the prior year) · number_inpatient", "many", 1, "3"]
    assert "a whole number from 0 to 50" in str(stays[5])
    assert age[:4] == ["Age (years) · age", "old", 1, "4"]
    assert "[0-10), [10-20)" in str(age[5])
    assert not page.metric
    assert "batch-errors" in offered(page)


def test_the_valid_lines_are_used_on_request_only(page: AppTest) -> None:
    score(upload(page, FAULTY))
    page.button(key="batch-valid").click().run()
    assert [row[:2] for row in table(page, RISK)] == [[0.02, 2]]
    assert {metric.label: metric.value for metric in page.metric}["Lines left out"] == "2"
    assert "batch-valid" not in offered(page)


def test_the_same_fault_is_shown_once_with_a_suggestion(page: AppTest) -> None:
    score(upload(page, b"race,age\n" + b"Caucasean,67\n" * 50 + b"Asian,67\n"))
    (row,) = table(page, "First lines")
    assert row[:5] == ["Race · race", "Caucasean", 50, "2, 3, 4, 5, 6 …", "Caucasian"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            b"age,number_inpatients\n67,1\n",
            "Line 1: unknown field 'number_inpatients'; did you mean 'number_inpatient'?",
        ),
        (b"age,age\n?,?\n", "Line 1: the header names column 'age' twice."),
        (b"zzz\n?\n", "Line 1: no column of the header is of the data set"),
        (b"age,race\n", "the file has a header, but no rows."),
        (b"age,race\n?,\0\n", "Line 2: the file is not text: it holds a null byte."),
    ],
)
def test_an_unreadable_file_is_explained_at_once_in_the_words_of_the_api(
    page: AppTest, content: bytes, expected: str
) -> None:
    assert expected in texts(upload(page, content)).replace("\\", "")
    assert "batch-start" not in offered(page)


def test_a_workbook_of_a_hospital_is_scored_and_what_was_read_is_said(page: AppTest) -> None:
    rows = [["MRN", "Age", "Gender", "Number inpatient", "max_glu_serum", "A1Cresult"], ["=7", 67, "F", 2, None, ">8"]]
    upload(page, workbook(rows), "patients.xlsx")
    assert "**patients.xlsx**: 1 row, 5 columns." in texts(page)
    score(page)
    shown = texts(page).replace("\\", "")
    assert "Read as: age (years): 67 = [60-70); gender: F = Female." in shown
    assert "Not scored, and returned beside the risk: MRN." in shown
    assert "not one None (not measured): pandas reads None as missing" in shown
    assert table(page, RISK)[0][:2] == [0.03, 2]


def test_a_running_file_can_be_cancelled(page: AppTest, platform: Platform) -> None:
    under_way, go_on = Event(), Event()

    def slow(request: ReceivedRequest) -> Reply:
        under_way.set()
        go_on.wait(20)
        return csv_api.answer(request.body)

    platform.more["POST", "/predict/csv"] = slow
    upload(page, "\n".join([HEADER, *["[60-70),1"] * 3_000, ""]).encode())
    page.button(key="batch-start").click().run()
    assert under_way.wait(20)
    assert page.run().get("progress")[0].text == "0 of 3,000 rows"
    page.button(key="batch-cancel").click().run()
    go_on.set()
    deadline = time.monotonic() + 20
    while page.get("progress") and time.monotonic() < deadline:
        page.run()
    assert "Cancelled after 1,000 of 3,000 rows" in texts(page)
    assert not page.metric
    platform.more["POST", "/predict/csv"] = lambda request: csv_api.answer(request.body)
    score(page, "batch-again")
    assert page.metric[0].value == "3,000"


def test_a_result_survives_a_visit_to_another_page(page: AppTest) -> None:
    score(upload(page, CSV))
    page.switch_page("app_pages/model.py").run()
    page.switch_page(PAGE).run()
    assert page.metric[0].value == "3"


def test_removing_the_file_removes_its_result(page: AppTest) -> None:
    score(upload(page, CSV))
    page.file_uploader(key="batch-file").set_value(None).run()
    assert not page.metric
    assert "batch-start" not in offered(page)


def test_a_model_replaced_during_a_job_is_reported(page: AppTest, platform: Platform) -> None:
    versions = iter("345")

    def answer(request: ReceivedRequest) -> Reply:
        platform.headers["X-Model-Version"] = next(versions)
        return csv_api.answer(request.body)

    platform.more["POST", "/predict/csv"] = answer
    score(upload(page, "\n".join([HEADER, *["[60-70),1"] * 2_000, ""]).encode()))
    assert "versions 3, 4 answered" in texts(page)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, {}, "status 500"),
        (413, {"detail": "The body has more bytes than 1024."}, "MAX_BODY_BYTES"),
        (
            503,
            {"type": "urn:readmission:problem:no-model", "detail": "no production model yet"},
            "No model is available",
        ),
        (429, {"type": "urn:readmission:problem:too-many-requests"}, "is overloaded"),
    ],
)
def test_an_error_of_the_api_is_shown_with_a_retry(
    page: AppTest, platform: Platform, status: int, body: dict[str, str], expected: str
) -> None:
    platform.more["POST", "/predict/csv"] = lambda _request: (status, body)
    score(upload(page, CSV))
    assert expected.replace("_", "\\_") in texts(page) or expected in texts(page)
    platform.more["POST", "/predict/csv"] = lambda request: csv_api.answer(request.body)
    score(page, "batch-again")
    assert page.metric[0].value == "3"


def test_without_a_model_there_is_no_upload(app: AppTest, platform: Platform) -> None:
    platform.served = platform.registered = None
    app.run().switch_page(PAGE).run()
    assert "No model yet" in texts(app)
    assert not app.get("file_uploader")
