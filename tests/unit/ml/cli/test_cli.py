"""The command line as a user meets it: help, and mistakes told in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ml.cli import app

COMMANDS = (
    "migrate",
    "ingest",
    "train",
    "tune",
    "evaluate",
    "promote",
    "rollback",
    "list",
    "ledger",
    "reproduce",
    "report",
    "card",
    "predict",
    "simulate",
)
RUNNER = CliRunner()


def run(*arguments: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    variables = {**kept, "PYTHONPATH": str(Path(__file__).parents[4]), **environment}
    return subprocess.run(
        [sys.executable, "-m", "ml", *arguments],
        cwd=directory,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_command() -> None:
    text = RUNNER.invoke(app, ["--help"]).output

    assert all(command in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_text(command: str) -> None:
    result = RUNNER.invoke(app, [command, "--help"])

    assert result.exit_code == 0
    assert "Usage" in result.output


def test_help_comes_without_loading_the_machine_learning_libraries(tmp_path: Path) -> None:
    code = "import sys, ml.cli; print(*({'pandas', 'sklearn', 'mlflow', 'optuna'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""


def test_a_missing_setting_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    done = run("ingest", directory=tmp_path)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: Setting DIABETES_DB_PASSWORD is missing")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "expected JSON such as"),
        ("[]", "expected JSON such as"),
        ('{"records": []}', "'records' must be a list of at least one record"),
        ('{"records": {"age": 1}}', "'records' must be a list of at least one record"),
        ('{"records": [1]}', "record 0: must be an object"),
        ('{"records": [{}, {"agee": "x"}]}', "record 1: there is no feature 'agee'"),
        ('{"records": [{"age": "old"}]}', "record 0: age is 'old', expected one of"),
        ('{"records": [{"time_in_hospital": "3"}]}', "record 0: time_in_hospital is '3', expected"),
        ('{"records": [{"time_in_hospital": true}]}', "record 0: time_in_hospital is True, expected"),
        ('{"records": [{"patient_nbr": 5}]}', "record 0: there is no feature 'patient_nbr'"),
    ],
)
def test_records_that_cannot_be_predicted_are_told_apart(body: str, sentence: str) -> None:
    result = RUNNER.invoke(app, ["predict", "-"], input=body)
    said = " ".join(result.output.replace("│", " ").split())

    assert result.exit_code == 2
    assert sentence in said


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["predict", str(tmp_path / "nowhere.json")])

    assert result.exit_code == 2
    assert "cannot be read" in " ".join(result.output.replace("│", " ").split())


def test_an_unknown_family_is_told() -> None:
    result = RUNNER.invoke(app, ["train", "--family", "oracle"])

    assert result.exit_code == 2
    assert "random_forest" in result.output
