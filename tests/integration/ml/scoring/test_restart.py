"""A scoring that is killed is continued at its part, and each record has one row."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from ml.core.errors import ScoringError
from ml.data.sources.delivery import Delivery
from ml.scoring import parts, targets
from tests.integration.ml.databases import count, load_file
from tests.integration.ml.scoring.conftest import ROWS, Platform, rows_of
from tests.support.small_disks import filled, small_disk

ROOT = Path(__file__).parents[4]


def killed(platform: Platform, step: str, *arguments: str) -> None:
    """Score in a process that is killed the second time it comes to a step."""
    command = ["-m", "tests.support.killed", step, "ml", "score", "--rows-per-part", "500", *arguments]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | platform.environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-3000:]


@pytest.mark.parametrize(
    ("step", "kept"),
    [("while a part is scored", 500), ("before a part is in the table", 500), ("after a part is in the table", 1_000)],
)
def test_a_killed_scoring_into_the_table(platform: Platform, tmp_path: Path, step: str, kept: int) -> None:
    killed(platform, step, "--from", "raw_data", "--to", "scores")
    assert count(platform.engine, "scores") == kept
    done = platform.score("raw_data", "scores")

    assert (done.rows, done.rows_before) == (ROWS, kept)
    assert count(platform.engine, "scorings", "finished_at IS NOT NULL") == 1
    platform.score("raw_data", tmp_path / "at once", rows_per_part=ROWS)
    assert platform.rows() == rows_of(tmp_path / "at once")


@pytest.mark.parametrize(
    ("form", "step", "kept", "drafts"),
    [
        ("csv", "while a part is scored", 500, 0),
        ("csv", "before a part is a file", 500, 1),
        ("parquet", "after a part is a file", 1_000, 0),
    ],
)
def test_a_killed_scoring_into_files(
    platform: Platform, tmp_path: Path, form: str, step: str, kept: int, drafts: int
) -> None:
    source, target = platform.delivered, tmp_path / "scores"
    if form == "parquet":
        source = tmp_path / "delivered.parquet"
        pd.read_csv(platform.delivered, dtype=str, keep_default_na=False).to_parquet(source)
    killed(platform, step, "--from", str(source), "--to", str(target))
    assert len(rows_of(target)) == kept
    assert len(list(target.glob("*.draft"))) == drafts
    assert not (target / targets.SUMMARY).exists()
    done = platform.score(source, target, rows_per_part=250)  # parts of another size

    assert (done.rows, done.rows_before) == (ROWS, kept)
    platform.score(source, tmp_path / "at once", rows_per_part=ROWS)
    assert rows_of(target) == rows_of(tmp_path / "at once")
    assert [path.name for path in target.iterdir() if not path.name.startswith("part-")] == [targets.SUMMARY]


@pytest.mark.parametrize("name", ["scores", "folder"])
def test_a_complete_scoring_is_not_made_again(platform: Platform, tmp_path: Path, name: str) -> None:
    target = name if name == "scores" else tmp_path / name
    first = platform.score("raw_data", target)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.glob("folder/*")}
    again = platform.score("raw_data", target)

    assert (first.rows, first.rows_before) == (ROWS, 0)
    assert (again.rows, again.rows_before, again.target) == (ROWS, ROWS, first.target)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("folder/*")} == files
    assert count(platform.engine, "scores") == (ROWS if name == "scores" else 0)


def test_of_two_processes_that_score_into_the_table_one_is_refused(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, others = targets.TableTarget.add, [0]

    def overtaken(target: targets.TableTarget, *part: object) -> None:
        if not others[0]:
            others[0] = 1
            platform.score("raw_data", "scores")
        add(target, *part)  # type: ignore[arg-type]

    monkeypatch.setattr(targets.TableTarget, "add", overtaken)
    with pytest.raises(ScoringError, match=r"^Another process scores the same records, or deleted their scores"):
        platform.score("raw_data", "scores")
    assert count(platform.engine, "scores") == ROWS


def test_of_two_processes_that_score_into_a_folder_one_is_refused(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = targets.ParquetTarget.add

    def meanwhile(target: targets.ParquetTarget, *part: object) -> None:
        monkeypatch.setattr(targets.ParquetTarget, "add", add)
        with pytest.raises(ScoringError, match=r"^Another process writes .*: wait until it has ended\.$"):
            platform.score("raw_data", tmp_path / "scores")
        add(target, *part)  # type: ignore[arg-type]

    monkeypatch.setattr(targets.ParquetTarget, "add", meanwhile)
    assert platform.score("raw_data", tmp_path / "scores").rows == ROWS == len(rows_of(tmp_path / "scores"))


def test_a_scoring_whose_disk_is_full_ends_with_one_sentence_and_goes_on_when_there_is_space(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, target = targets.ParquetTarget.add, tmp_path / "disk" / "scores"

    def on_a_full_disk(parts: targets.ParquetTarget, *part: object) -> None:
        if not parts.rows:
            add(parts, *part)  # type: ignore[arg-type]
        else:
            with filled(tmp_path / "disk"):
                add(parts, *part)  # type: ignore[arg-type]

    with small_disk(tmp_path / "disk", 4):
        with monkeypatch.context() as full:
            full.setattr(targets.ParquetTarget, "add", on_a_full_disk)
            with pytest.raises(ScoringError, match=r"^.*/scores cannot be written \(.*No space left on device.*\): "):
                platform.score("raw_data", target)
        assert [path.name for path in target.iterdir()] == ["part-000000.parquet"]
        assert platform.score("raw_data", target).rows_before == 500
        platform.score("raw_data", tmp_path / "at once")
        assert rows_of(target) == rows_of(tmp_path / "at once")


def test_a_sandbox_that_has_run_for_long_is_replaced(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.score("raw_data", tmp_path / "one")
    opened, sandboxed = [], parts.sandboxed
    monkeypatch.setattr(parts, "sandboxed", lambda directory: opened.append(directory) or sandboxed(directory))
    monkeypatch.setattr(parts, "SANDBOX_SECONDS", 0.0)
    platform.score("raw_data", tmp_path / "several")

    assert len(opened) == 3  # parts
    assert rows_of(tmp_path / "several") == rows_of(tmp_path / "one")


def test_an_ingestion_during_the_run_changes_neither_records_nor_history(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run is of the new encounters: another scoring in the table, and refused in the folder of the former."""
    platform.score("raw_data", tmp_path / "before")
    changed = pd.read_csv(platform.delivered, dtype=str, keep_default_na=False)
    changed["number_inpatient"], changed["time_in_hospital"] = "9", "14"
    changed.to_csv(tmp_path / "changed.csv", index=False)
    add, ingested = targets.TableTarget.add, [0]

    def ingesting(target: targets.TableTarget, *part: object) -> None:
        add(target, *part)  # type: ignore[arg-type]
        if not ingested[0]:
            ingested[0] = 1
            load_file(platform.engine, Delivery("file", tmp_path / "changed.csv"))

    monkeypatch.setattr(targets.TableTarget, "add", ingesting)
    try:
        first = platform.score("raw_data", "scores")
        second = platform.score("raw_data", "scores")
        assert platform.rows(first.target) == rows_of(tmp_path / "before")
        assert second.rows_before == 0
        assert platform.rows(second.target) != platform.rows(first.target)
        with pytest.raises(ScoringError, match="holds scores of another source, history or version"):
            platform.score("raw_data", tmp_path / "before")
    finally:
        load_file(platform.engine, Delivery("file", platform.delivered))
