"""What is refused in a sentence before anything is written, and what becomes of single records that are not valid."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from infra.local.postgres.cluster import PostgresServer
from ml.cli.main import app
from ml.core.errors import NoDataError, PlatformError, RegistryError, ScoringError, UnapprovedError, WarehouseError
from ml.core.names import MODEL_NAME
from ml.core.signing.approval import TAG
from ml.schema.code_systems import CodeSystem
from ml.scoring import targets
from ml.scoring.run import Job, score
from ml.warehouse.connection import warehouse
from tests.integration.ml.databases import count, fresh_database
from tests.integration.ml.registries import alias_answer, register_bundle
from tests.integration.ml.scoring.conftest import Platform, parquet, rows_of
from tests.support.signing import approval

FEW = "age,gender\n[60-70),Female\n[70-80),Male\n"


def refusal(platform: Platform, kind: type[PlatformError], source: object, target: object, **job: object) -> str:
    with pytest.raises(kind) as found:
        platform.score(source, target, **job)
    assert "\n" not in str(found.value)
    return str(found.value)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("none.csv", None, r"none.csv does not exist: give raw_data, or a CSV or Parquet file, or a folder"),
        ("empty.csv", b"", r"empty.csv: the file is empty"),
        ("header.csv", b"age,gender\n", r"header.csv has a header, but no rows\.$"),
        (
            "other.csv",
            b"name,street\na,b\n",
            r"other.csv, line 1: no column of the header is of the data set; unknown ",
        ),
        ("misspelt.csv", b"agee,gender\na,b\n", r"line 1: unknown field 'agee'; did you mean 'age'\?"),
        ("book.csv", b"PK\x03\x04....", r"book.csv: the file is an Excel workbook or a zip archive, not CSV"),
        ("broken.csv", b'age\n[60-70)\n"x\n', r"broken.csv, line 3: the line has a quotation mark that is not closed"),
        ("half.parquet", b"PAR1 and then nothing of the kind", r"half.parquet cannot be read: "),
        (
            "all.csv",
            b"age\nold\nold\n",
            r"^None of the first 2 records is valid, so nothing was written; line 2: age is 'o",
        ),
    ],
)
def test_a_file_that_cannot_be_read(
    platform: Platform, tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ScoringError, match=sentence) as found:
        platform.score(tmp_path / name, "scores")
    assert "\n" not in str(found.value)
    assert count(platform.engine, "scorings") == 0


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        ([], r"holds no file \*\.parquet\.$"),
        ([{"street": ["a"]}], r"0.parquet: no column of the header is of the data set"),
        ([{"age": ["[60-70)"]}, {"gender": ["Male"]}], r"^1.parquet has other columns than 0.parquet: age, gender\.$"),
        ([{"diag_1": [250.01, 428.0]}], r"^0.parquet: diag_1 holds numbers \(double\), which lose the zeros"),
        ([{"age": [["[60-70)"]]}], r"^Column age of type list<\w+: string> cannot be read as text or numbers\.$"),
    ],
)
def test_a_folder_that_cannot_be_read(
    platform: Platform, tmp_path: Path, tables: list[dict[str, list[object]]], sentence: str
) -> None:
    (tmp_path / "delivered").mkdir()
    for number, table in enumerate(tables):
        pd.DataFrame(table).to_parquet(tmp_path / "delivered" / f"{number}.parquet")
    with pytest.raises(ScoringError, match=sentence):
        platform.score(tmp_path / "delivered", "scores")
    assert count(platform.engine, "scorings") == 0


def test_the_table_has_its_code_system(platform: Platform) -> None:
    assert refusal(platform, ScoringError, "raw_data", "scores", code_system=CodeSystem.ICD10) == (
        "The diagnoses in raw_data are in icd-9-cm."
    )


def test_records_that_are_not_valid_have_an_error_and_the_others_a_risk(platform: Platform, tmp_path: Path) -> None:
    lines = [
        "encounter_id,patient_nbr,age,time_in_hospital",
        "1,7,[60-70),3",
        "2,7,old,99",
        "",
        "3,1e+9,[60-70),3",
        "4,7,[60-70),3,5",
        "5,7,old,4",
    ]
    (tmp_path / "delivered.csv").write_text("\n".join(lines))
    done = platform.score(tmp_path / "delivered.csv", "scores")
    rows = platform.rows()

    assert (done.rows, done.invalid, done.unit) == (5, 4, "line")
    assert [row[:3] for row in rows] == [(1, "1", "7"), (2, "2", "7"), (3, "3", None), (4, None, None), (5, "5", "7")]
    assert [row[3] is None for row in rows] == [False, True, True, True, True]
    assert [row[4] is None for row in rows] == [row[3] is None for row in rows]
    assert rows[1][7].startswith("age is 'old', expected one of '[0-10)'")
    assert rows[2][7].startswith("patient_nbr is malformed, expected a whole number")  # identifiers are not quoted
    assert rows[3][7] == "the line has 5 values, the header names 4"
    found = {fault["error"].partition(",")[0]: (fault["records"], fault["first"]) for fault in done.errors}
    assert found == {
        "age is 'old'": (2, [3, 7]),
        "time_in_hospital is '99'": (1, [3]),
        "patient_nbr is malformed": (1, [5]),
        "the line has 5 values": (1, [6]),
    }
    assert count(platform.engine, "scorings", "rows_scored = 5 AND rows_invalid = 4") == 1


def test_columns_that_are_not_of_the_data_set_are_named(
    platform: Platform, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "ml")
    pd.DataFrame({"age": ["[60-70)"], "ward": ["north"]}).to_parquet(tmp_path / "one.parquet")
    (tmp_path / "one.csv").write_text("age;ward\n[60-70);north\n")
    for name in ("one.parquet", "one.csv"):
        platform.score(tmp_path / name, tmp_path / f"scores of {name}")

    assert caplog.messages.count("Not of the data set, and not read: ward") == 2


def test_a_folder_with_the_scores_of_another_version_or_source(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text(FEW)
    (tmp_path / "others.csv").write_text(FEW.replace("Male", "Female"))
    platform.score(tmp_path / "few.csv", tmp_path / "scores")
    before = rows_of(tmp_path / "scores")

    another = "holds scores of another source, history or version"
    assert another in refusal(platform, ScoringError, tmp_path / "few.csv", tmp_path / "scores", version="2")
    assert another in refusal(platform, ScoringError, tmp_path / "others.csv", tmp_path / "scores")
    assert rows_of(tmp_path / "scores") == before
    (tmp_path / "few.csv").rename(tmp_path / "renamed.csv")
    assert platform.score(tmp_path / "renamed.csv", tmp_path / "scores").rows_before == 2  # the content counts


def test_a_folder_that_holds_something_else(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text(FEW)
    sentence = refusal(platform, ScoringError, tmp_path / "few.csv", tmp_path)
    assert sentence == f"{tmp_path} holds few.csv, which is no part of a scoring: choose another folder."
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "letter.draft").write_text("mine")
    assert "letter.draft, which is no part" in refusal(platform, ScoringError, tmp_path / "few.csv", tmp_path / "own")
    assert (tmp_path / "own" / "letter.draft").read_text() == "mine"
    assert "cannot be written" in refusal(platform, ScoringError, tmp_path / "few.csv", tmp_path / "few.csv")


def test_a_part_that_was_deleted_is_noticed(platform: Platform, tmp_path: Path) -> None:
    platform.score("raw_data", tmp_path / "scores")
    (tmp_path / "scores" / "part-000001.parquet").unlink()

    assert "part-000001.parquet was deleted" in refusal(platform, ScoringError, "raw_data", tmp_path / "scores")


def test_scores_of_two_versions_are_side_by_side_in_the_table(platform: Platform) -> None:
    first, second = (platform.score("raw_data", "scores", version=version) for version in "12")

    assert first.target != second.target
    assert platform.rows(first.target) == platform.rows(second.target)
    with platform.engine.connect() as connection:
        query = "SELECT source, model_version, actor FROM scorings ORDER BY id"
        assert [tuple(row) for row in connection.execute(sa.text(query))] == [
            ("raw_data", "1", "a test"),
            ("raw_data", "2", "a test"),
        ]


def test_a_file_that_is_changed_meanwhile(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "delivered.csv"
    source.write_bytes(platform.delivered.read_bytes())
    add = targets.ParquetTarget.add

    def changing(target: targets.ParquetTarget, *part: object) -> None:
        add(target, *part)  # type: ignore[arg-type]
        with source.open("ab") as file:
            file.write(b"\n")

    monkeypatch.setattr(targets.ParquetTarget, "add", changing)
    assert "was changed while it was read" in refusal(platform, ScoringError, source, tmp_path / "scores")
    assert len(parquet(tmp_path / "scores")) == 500


def test_a_version_that_is_not_approved_or_has_other_files(platform: Platform) -> None:
    number = register_bundle(platform.registry, platform.bundle).number
    assert "was never approved by the gate" in refusal(platform, UnapprovedError, "raw_data", "scores", version=number)
    platform.registry.set_tags(number, {TAG: platform.registry.version("1").tags[TAG]})
    assert f"version {number} has the approval of version 1 of {MODEL_NAME}" in refusal(
        platform, UnapprovedError, "raw_data", "scores", version=number
    )
    platform.registry.set_tags(number, {TAG: approval(number, "0" * 64)})
    assert "other files than the gate approved" in refusal(
        platform, UnapprovedError, "raw_data", "scores", version=number
    )
    assert count(platform.engine, "scorings") == 0


def test_without_a_production_version_or_with_an_unknown_one(platform: Platform) -> None:
    assert "9" in refusal(platform, RegistryError, "raw_data", "scores", version="9")
    platform.registry._client.delete_registered_model_alias(MODEL_NAME, "production")
    assert alias_answer(platform.settings.mlflow_tracking_uri, "production").status_code >= 400
    assert refusal(platform, RegistryError, "raw_data", "scores").startswith("There is no production model yet")


def test_without_encounters_and_without_postgresql(
    platform: Platform, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """A file without patients needs no database; one with patients is not scored without their history."""
    with (
        fresh_database(postgres_server, tmp_path / "data") as (settings, engine),
        pytest.raises(NoDataError, match=r"^There are no encounters yet: run ingest_diabetes"),
    ):
        score(settings, engine, platform.registry, Job(), "a test")
    away = platform.settings.model_copy(update={"postgres_port": 9})
    (tmp_path / "few.csv").write_text(FEW)
    (tmp_path / "patients.csv").write_text("patient_nbr,age\n7,[60-70)\n")
    with warehouse(away) as engine:
        job = Job(str(tmp_path / "few.csv"), str(tmp_path / "scores"))
        assert score(platform.settings, engine, platform.registry, job, "a test").rows == 2
        job = Job(str(tmp_path / "patients.csv"), str(tmp_path / "others"))
        with pytest.raises(WarehouseError, match=r"^PostgreSQL at 127\.0\.0\.1:9 does not answer"):
            score(platform.settings, engine, platform.registry, job, "a test")


@pytest.mark.parametrize("name", ["../outside.csv", "/etc/hostname", "link/outside.csv", "a/../../outside.csv"])
def test_paths_of_a_dag_stay_below_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    for job in (Job(name, "scores"), Job("raw_data", name)):
        with pytest.raises(ScoringError, match="is not below"):
            job.below(folder)
    assert Job("in/file.csv", "out").below(folder) == Job(str(folder / "in/file.csv"), str(folder / "out"))
    assert Job().below(folder) == Job()


@pytest.fixture
def run(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    for name, value in platform.environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["--quiet", "score", *arguments])
        if isinstance(result.exception, PlatformError):
            return 2, "", str(result.exception)
        return result.exit_code, result.stdout, result.stderr

    return run


def test_the_command_prints_a_sentence_or_json(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text(FEW + "old,Male\n")
    arguments = ("--from", str(tmp_path / "few.csv"), "--to", str(tmp_path / "scores"))
    code, out, err = run(*arguments)
    assert (code, out.partition("Scored 3 records, ")[0]) == (0, "")
    assert out.endswith(f"holds 3 records of {tmp_path}/few.csv by version 1, 1 of them not valid.\n")
    assert err.startswith("age is 'old', expected one of")
    assert err.endswith("(records: 1; line 4)\n")
    code, out, err = run(*arguments)
    assert out.startswith("Nothing new: ")
    code, out, err = run(*arguments, "--json")
    printed = json.loads(out)
    assert (code, printed["rows"], printed["rows_before"], printed["invalid"], printed["version"]) == (0, 3, 3, 1, "1")
    assert json.loads((tmp_path / "scores" / targets.SUMMARY).read_text())["rows"] == 3
    assert run("--from", "nowhere.csv")[2].startswith("nowhere.csv does not exist")
    assert run("--rows-per-part", "0")[0] == 2
    assert run("--code-system", "icd-11")[0] == 2
