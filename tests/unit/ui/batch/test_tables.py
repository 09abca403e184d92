import csv
import io

import httpx
import pandas as pd

from ml.schema import BY_NAME, COLUMN_NAMES, EXAMPLE_RECORD, TARGET
from ml.schema.files.errors import ErrorGroup
from tests.support import csv_api
from ui.batch import tables
from ui.batch.delivered_file import DeliveredFile
from ui.batch.result import risk_chart
from ui.batch.scoring import LINE, ScoringJob
from ui.clients.file_scoring import HISTORY, RISK, ScoringClient

CONTENT = (
    b"patient_nbr,age,race,discharge_disposition_id,number_inpatient\r\n"
    b"7,[60-70),AfricanAmerican,6,2\r\n8,[0-10),?,1,0\r\n9,,Asian,,2\r\n10,[90-100),Other,3,5\r\n"
)
FILE = DeliveredFile(CONTENT)
SPREADSHEET = DeliveredFile('MRN;Age;Name;MRN;\r\n=1;67;Müller;a;\r\n2;[0-10);"A;\nB";-3;x\r\n'.encode("cp1252"))


def scored(file: DeliveredFile) -> pd.DataFrame:
    """The table of a job, with the response of the API as its parser and writer make it."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=csv_api.answer(request.content)[1]))
    job = ScoringJob(file, "patients.csv")
    with ScoringClient("http://api:8000", 5, transport=transport) as client:
        job.run(client.score)
    return job.table


TABLE = scored(FILE)


def test_by_risk_is_a_stable_sort() -> None:
    assert tables.by_risk(TABLE)[LINE].tolist() == [5, 2, 4, 3]


def test_rows_outside_the_population_are_not_ranked_and_at_the_end_of_the_download() -> None:
    file = DeliveredFile(b"discharge_disposition_id,number_inpatient\r\n1,2\r\n11,9\r\n1,3\r\n")
    table = scored(file)

    assert tables.by_risk(table)[LINE].tolist() == [4, 2, 3]
    assert tables.top(file, table)[LINE].tolist() == [4, 2]
    assert tables.results(file, tables.by_risk(table)).splitlines()[-1].endswith(b',"died",')


def test_top_rows_have_ranks_and_labels() -> None:
    shown = tables.top(FILE, TABLE)
    assert shown.index.tolist() == [1, 2, 3, 4]
    assert shown["age"].tolist() == ["90 to 99", "60 to 69", "", "0 to 9"]
    assert shown["race"].tolist() == ["Other", "African American", "Asian", ""]
    assert shown.columns[:2].tolist() == [RISK, LINE]
    assert shown[HISTORY].tolist() == ["no patient number"] * 4


def test_the_download_equals_the_response_of_the_api_to_the_whole_file() -> None:
    assert tables.results(FILE, TABLE) == csv_api.answer(CONTENT)[1]


def test_the_sorted_download_has_the_same_rows_by_risk() -> None:
    lines = tables.results(FILE, tables.by_risk(TABLE)).decode().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["10", "7", "9", "8"]


def test_foreign_columns_are_returned_beside_the_risk_without_formulas() -> None:
    table = scored(SPREADSHEET)
    rows = list(csv.reader(io.StringIO(tables.results(SPREADSHEET, table).decode(), newline=""), delimiter=";"))

    assert rows[0] == [
        "MRN",
        "Age",
        "Name",
        "MRN",
        "",
        "readmission_risk",
        "known_fields",
        "reliability",
        "outside_population",
        "warnings",
    ]
    assert [row[:5] for row in rows[1:]] == [["'=1", "67", "Müller", "a", ""], ["2", "[0-10)", "A;\nB", "-3", "x"]]


def test_foreign_columns_are_shown_after_the_others_under_titles_of_their_own() -> None:
    shown = tables.top(SPREADSHEET, scored(SPREADSHEET))

    assert shown.columns[-4:].tolist() == ["1 · MRN", "3 · Name", "4 · MRN", "5 · column 5 without a name"]
    assert shown["age"].tolist() == ["60 to 69", "0 to 9"]
    assert shown["3 · Name"].tolist() == ["Müller", "A;\nB"]


def test_the_download_of_errors_has_a_row_for_each_group() -> None:
    groups = [
        ErrorGroup(BY_NAME["gender"], "=Femal", 5, [7, 8, 9, 10, 11], 50),
        ErrorGroup(None, "the line has 1 values, the header names 2", 8, [99], 1),
    ]
    _, gender, line = csv.reader(io.StringIO(tables.errors(groups).decode()))

    assert gender[:5] == ["gender", "'=Femal", "50", "7, 8, 9, 10, 11 …", "Female"]
    assert gender[5].startswith("one of 'Female'")
    assert line == ["", "the line has 1 values, the header names 2", "1", "99", "", ""]


def test_the_template_is_a_valid_file() -> None:
    template = DeliveredFile(tables.template())

    assert set(template.reader.header.known) == set(COLUMN_NAMES) - {TARGET}
    assert [template.record(number) for number in template.rows] == [
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
