import csv
import io

import httpx
import pandas as pd

from api.contract.csv_rows import COLUMN_NAMES, Header
from ml.schema import EXAMPLE_RECORD, TARGET
from tests.support import csv_api
from ui.batch import risk_chart, tables
from ui.batch.csv_file import CsvFile
from ui.batch.scoring import LINE, ScoringJob
from ui.clients.errors import FieldError
from ui.clients.file_scoring import HISTORY, RISK, ScoringClient

FILE = CsvFile(
    b"patient_nbr,age,race,discharge_disposition_id,number_inpatient\r\n"
    b"7,[60-70),AfricanAmerican,6,2\r\n8,[0-10),?,1,0\r\n9,,Asian,,2\r\n10,[90-100),Other,3,5\r\n"
)


def scored(file: CsvFile) -> pd.DataFrame:
    """The table of a job, with the response of the API as its parser and writer make it."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=csv_api.answer(request.content)[1]))
    job = ScoringJob(file, "patients.csv")
    with ScoringClient("http://api:8000", 5, transport=transport) as client:
        job.run(client.score)
    return job.table


TABLE = scored(FILE)


def test_by_risk_is_a_stable_sort() -> None:
    assert tables.by_risk(TABLE)[LINE].tolist() == [5, 2, 4, 3]


def test_top_rows_have_ranks_and_labels() -> None:
    shown = tables.top(FILE, TABLE)
    assert shown.index.tolist() == [1, 2, 3, 4]
    assert shown["age"].tolist() == ["90 to 99", "60 to 69", "", "0 to 9"]
    assert shown["race"].tolist() == ["Other", "African American", "Asian", ""]
    assert shown.columns[:2].tolist() == [RISK, LINE]
    assert shown[HISTORY].tolist() == ["no patient number"] * 4


def test_the_download_equals_the_response_of_the_api_to_the_whole_file() -> None:
    assert tables.results(FILE, TABLE) == csv_api.answer(FILE.part(FILE.rows))[1]


def test_the_sorted_download_has_the_same_rows_by_risk() -> None:
    lines = tables.results(FILE, tables.by_risk(TABLE)).decode().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["10", "7", "9", "8"]


def test_the_download_of_errors_has_line_field_value_and_allowed_values() -> None:
    fault = FieldError(line=7, field="gender", value="F", message="gender must be", allowed=("Female", "Male"))
    rows = list(csv.reader(io.StringIO(tables.errors([fault]).decode())))
    assert rows[1] == ["7", "gender", "F", "Female; Male", "gender must be"]


def test_a_value_in_the_download_of_errors_is_no_formula() -> None:
    fault = FieldError(line=7, field="gender", value="=1+1", message="gender must be")
    assert b"'=1+1" in tables.errors([fault])


def test_the_api_accepts_the_template() -> None:
    header, *rows = tables.template().decode().splitlines()
    read = Header(header)
    assert set(read.names) == set(COLUMN_NAMES) - {TARGET}
    assert [read.record_of(row) for row in rows] == [
        EXAMPLE_RECORD,
        {name: EXAMPLE_RECORD[name] for name in ("race", "gender", "age")},
    ]


def test_the_bars_of_the_chart_include_every_row() -> None:
    risks = pd.Series([0.0, 0.05, 0.1, 0.2, 0.9])
    assert risk_chart.bars(risks, end=0.4)["share"].sum() == 1


def test_the_chart_marks_risks_above_twice_the_average() -> None:
    spec = risk_chart.distribution(TABLE[RISK], prevalence=0.02).to_dict()
    rows = next(rows for rows in spec["datasets"].values() if "share" in rows[0])
    assert {row["side"] for row in rows if row["low"] >= 0.04} == {"above"}
    assert {row["side"] for row in rows if row["low"] < 0.04} == {"below"}
    assert any(row.get("text") == "twice the average 4.0%" for rows in spec["datasets"].values() for row in rows)
