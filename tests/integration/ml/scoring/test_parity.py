"""The scores of stored records are the answers of ``POST /predict`` to the same records."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import ApiSettings
from ml.schema import BY_NAME, COLUMN_NAMES, PATIENT_ID, TARGET, Missing
from ml.schema.code_systems import CodeSystem
from tests.integration.api.conftest import eventually
from tests.integration.ml.scoring.conftest import ROWS, Platform, parquet, rows_of
from tests.support.postgres import API_PASSWORD

COMPARED = ("predictions", "known_fields", "history", "outside_population")
RESULT = ("readmission_risk", "known_fields", "history", "outside_population")


@pytest.fixture
def api(platform: Platform, tmp_path: Path) -> Iterator[TestClient]:
    """The service with the same database and the same MLflow."""
    settings = ApiSettings.load(
        _env_file=None,
        mlflow_tracking_uri=platform.settings.mlflow_tracking_uri,
        postgres_host=platform.settings.postgres_host,
        postgres_port=platform.settings.postgres_port,
        diabetes_db_name=platform.settings.diabetes_db_name,
        api_db_password=API_PASSWORD,
        api_cache_dir=tmp_path / "cache",
        model_poll_seconds=0.1,
        history_timeout_seconds=5,
        prediction_log=False,
        prediction_log_key="key of the tests",
    )
    with TestClient(create_app(settings)) as client:
        eventually(lambda: client.get("/ready").status_code == 200)
        yield client


@pytest.fixture
def records(platform: Platform) -> list[dict[str, Any]]:
    """The delivered encounters as JSON, in the order of their numbers."""
    table = pd.read_csv(platform.delivered, dtype=str, keep_default_na=False).sort_values(
        "encounter_id", key=lambda ids: ids.astype(int)
    )
    return [
        {
            name: int(text) if BY_NAME[name].is_number else text
            for name, text in row.items()
            if text != "?" and name != TARGET
        }
        for row in table.to_dict("records")
    ]


def answers(api: TestClient, records: list[dict[str, Any]], **more: str) -> list[tuple[Any, ...]]:
    response = api.post("/predict", json={"records": records, **more})
    assert response.status_code == 200, response.text[:500]
    return list(zip(*(response.json()[name] for name in COMPARED), strict=True))


def results(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    assert table["error"].isna().all(), table["error"].dropna().unique()
    assert table["row_number"].tolist() == list(range(1, len(table) + 1))
    rows = table[list(RESULT)].astype(object)
    return [tuple(row) for row in rows.where(rows.notna(), None).itertuples(index=False)]


def assert_same(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> None:
    assert [row[0] for row in found] == pytest.approx([row[0] for row in expected], abs=1e-6)
    assert [row[1:] for row in found] == [row[1:] for row in expected]


def test_encounters_of_the_database_with_their_history(
    platform: Platform, api: TestClient, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    done = platform.score("raw_data", tmp_path / "scores")
    table = parquet(tmp_path / "scores")
    expected = answers(api, records)

    assert_same(results(table), expected)
    assert table["encounter_id"].tolist() == [str(record["encounter_id"]) for record in records]
    assert (done.rows, done.invalid, done.unit) == (ROWS, 0, "row")
    # The cohort has what the comparison is about: repeated stays, and deaths.
    assert len({record[PATIENT_ID] for record in records}) < ROWS
    assert any(row[3] for row in expected)
    assert len({round(row[0], 6) for row in expected}) > 100


def test_the_table_has_the_same_rows(platform: Platform, tmp_path: Path) -> None:
    platform.score("raw_data", tmp_path / "scores")
    done = platform.score("raw_data", "scores")

    assert platform.rows(done.target) == rows_of(tmp_path / "scores")


def spelt_by_a_spreadsheet(path: Path, records: list[dict[str, Any]]) -> Path:
    """UTF-16 with a byte order mark, semicolons, names and values as people write them, and a column of the ward."""
    ages = {f"[{low}-{low + 10})": str(low + 3) for low in range(0, 100, 10)}
    lines = [";".join(["Ward", *(name.replace("_", " ").upper() for name in COLUMN_NAMES if name != TARGET)])]
    for record in records:
        cells = {name: str(record.get(name, "")) for name in COLUMN_NAMES if name != TARGET}
        cells |= {"age": ages[cells["age"]], "gender": cells["gender"][:1].lower(), "insulin": cells["insulin"].upper()}
        cells |= {"time_in_hospital": f"{cells['time_in_hospital']},0", "diag_1": cells["diag_1"].replace(".", ",")}
        lines.append(";".join(["north", *cells.values()]))
    path.write_bytes("\r\n".join(lines).encode("utf-16"))
    return path


def test_a_csv_file_of_a_spreadsheet(
    platform: Platform, api: TestClient, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    records = [record for record in records if record["gender"] in ("Female", "Male")][:300]
    platform.score(spelt_by_a_spreadsheet(tmp_path / "wards.csv", records), tmp_path / "scores")

    assert_same(results(parquet(tmp_path / "scores")), answers(api, records))


@pytest.mark.parametrize("numbers", ["Int64", "float64", "str", "category"])
def test_parquet_files_of_any_type(
    platform: Platform, api: TestClient, records: list[dict[str, Any]], tmp_path: Path, numbers: str
) -> None:
    """As pandas writes columns with gaps; unknown values are null."""
    records = [
        {name: value for name, value in record.items() if (number + place) % 11}
        for number, record in enumerate(records[:240])
        for place, _ in [(number % 7, None)]
    ]
    for number, record in enumerate(records):
        record.pop(("time_in_hospital", "race", "diag_2", PATIENT_ID, "insulin")[number % 5], None)
    table = pd.DataFrame(records)
    for name in table.columns:
        if BY_NAME[name].is_number:
            table[name] = table[name].astype("Int64").astype(numbers)
        elif numbers == "category":
            table[name] = table[name].astype("category")
    table["ward"] = "north"
    (tmp_path / "delivered").mkdir()
    for number, begin in enumerate((0, 90, 180)):
        table[begin : begin + 90 if begin < 180 else None].to_parquet(tmp_path / "delivered" / f"{number}.parquet")
    platform.score(tmp_path / "delivered", tmp_path / "scores")

    assert_same(results(parquet(tmp_path / "scores")), answers(api, records))


def test_diagnoses_in_icd_10(
    platform: Platform, api: TestClient, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    codes = ["E11.9", "I50.32", "e1165", "Z79.4", "A00.0", None]
    records = [{**record, "diag_1": codes[number % len(codes)]} for number, record in enumerate(records[:60])]
    records = [{n: v for n, v in r.items() if n not in ("diag_2", "diag_3")} for r in records]
    pd.DataFrame(records).astype("str").fillna("?").to_csv(tmp_path / "codes.csv", index=False)
    platform.score(tmp_path / "codes.csv", tmp_path / "scores", code_system=CodeSystem.ICD10)

    assert_same(results(parquet(tmp_path / "scores")), answers(api, records, code_system="icd-10-cm"))


def test_identifiers_of_other_systems_and_patients_without_stays(
    platform: Platform, api: TestClient, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Texts, an encounter after all stored ones, none, and one before all; the past of the last is empty."""
    known = next(r for r in records[::-1] if sum(r[PATIENT_ID] == other[PATIENT_ID] for other in records) > 2)
    ids: list[tuple[Any, Any]] = [
        (known[PATIENT_ID], 9_000_000_000),
        (known[PATIENT_ID], None),
        (known[PATIENT_ID], "E-77"),
        (known[PATIENT_ID], 1),
        ("P-1", 5),
        (9_000_000_001, 5),
        (None, 5),
    ]
    asked = [{**known, PATIENT_ID: patient, "encounter_id": encounter} for patient, encounter in ids]
    asked = [{name: value for name, value in record.items() if value is not None} for record in asked]
    pd.DataFrame(asked, dtype=object).fillna("").to_csv(tmp_path / "asked.csv", index=False)
    platform.score(tmp_path / "asked.csv", tmp_path / "scores")
    table = parquet(tmp_path / "scores")

    assert_same(results(table), answers(api, asked))
    assert table["history"].tolist() == ["used"] * 4 + ["unknown", "unknown", "none"]
    assert table["patient_nbr"].fillna("").tolist()[4:] == ["P-1", "9000000001", ""]
    assert len({round(risk, 6) for risk in table["readmission_risk"][:4]}) > 1


def test_every_column_that_may_be_absent_is_unknown(platform: Platform, api: TestClient, tmp_path: Path) -> None:
    assert all(BY_NAME[name].missing is Missing.NEVER for name in ("age", "gender"))
    (tmp_path / "few.csv").write_text("age,gender\n[60-70),Female\n?,\n")
    platform.score(tmp_path / "few.csv", tmp_path / "scores")

    expected = answers(api, [{"age": "[60-70)", "gender": "Female"}, {}])
    assert_same(results(parquet(tmp_path / "scores")), expected)
