"""``evaluate --protocol`` as a user runs it: from the database, or from a file without one."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from ml.cli.main import app
from ml.core.settings import MlSettings
from ml.data.cohort import cohort_of_file, cohort_of_warehouse
from ml.data.sources.delivery import Delivery
from tests.integration.ml.databases import ingest_file


@pytest.fixture
def ingested(engine: sa.Engine, cohort_file: Path, tmp_path: Path) -> sa.Engine:
    ingest_file(engine, Delivery("synthetic", cohort_file))
    return engine


def run(*options: str) -> str:
    result = CliRunner().invoke(app, ["--quiet", "evaluate", "--protocol", "--families", "random_forest", *options])
    assert result.exit_code == 0, result.output + repr(result.exception)
    return " ".join(result.stdout.split())


def figures(found: dict[str, Any]) -> dict[tuple[str, bool], float]:
    return {(c["candidate"], c["history"]): c["mean"]["auroc"] for c in found["candidates"]}


def test_the_cohort_is_the_same_from_the_database_and_from_the_file(ingested: sa.Engine, cohort_file: Path) -> None:
    stored, delivered = cohort_of_warehouse(ingested), cohort_of_file(cohort_file)

    pd.testing.assert_frame_equal(stored.table.astype(delivered.table.dtypes), delivered.table)
    assert stored.table["encounter_id"].is_monotonic_increasing
    assert stored.patients == delivered.patients
    assert (stored.source, delivered.source) == ("synthetic", cohort_file.name)


@pytest.mark.usefixtures("ingested")
def test_repeated_splits_of_database_and_file_give_equal_metrics(
    world: tuple[MlSettings, sa.Engine], cohort_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = world[0]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    by_file = run("--seeds", "1", "--data", str(cohort_file), "--out", "file.json")

    monkeypatch.setenv("POSTGRES_HOST", settings.postgres_host)
    monkeypatch.setenv("POSTGRES_PORT", str(settings.postgres_port))
    monkeypatch.setenv("DIABETES_DB_NAME", settings.diabetes_db_name)
    monkeypatch.setenv("DIABETES_DB_USER", settings.diabetes_db_user)
    monkeypatch.setenv("DIABETES_DB_PASSWORD", settings.diabetes_db_password.get_secret_value())
    by_database = run("--seeds", "1", "--control")

    assert by_file.endswith("Written to file.json.")
    (written,) = (tmp_path / "reports").glob("protocol-*.json")
    assert by_database.endswith(f"Written to reports/{written.name}.")
    from_file, from_database = json.loads(Path("file.json").read_text()), json.loads(written.read_text())
    assert figures(from_database) == figures(from_file)
    assert from_file["control"] == []
    assert len(from_database["control"]) == 1
    for said in ("RandomForest", "LACE proxy", "race, gender and age only", "Goals", "≥ 0.678"):
        assert said in by_file
    assert "Nothing to learn" in by_database


def test_a_missing_file_is_reported_without_a_result(tmp_path: Path) -> None:
    out = tmp_path / "never.json"
    result = CliRunner().invoke(app, ["evaluate", "--protocol", "--data", str(tmp_path / "no.csv"), "--out", str(out)])

    assert "no.csv is not a file" in str(result.exception)
    assert not out.exists()
