"""The command line: help texts, and user errors as one sentence with exit code 2."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from ml.cli.common import print_table
from ml.cli.main import app
from ml.core.errors import SimulationError

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
    "score",
    "monitor",
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


def invoke(*arguments: str, stdin: str | None = None) -> tuple[int, str]:
    """Exit code, and the output without frames and line breaks."""
    result = RUNNER.invoke(app, list(arguments), input=stdin)
    return result.exit_code, " ".join(result.output.replace("│", " ").split())


def test_help_lists_every_command() -> None:
    _, text = invoke("--help")

    assert all(command in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_text(command: str) -> None:
    code, text = invoke(command, "--help")

    assert code == 0
    assert "Usage" in text


def test_help_loads_no_machine_learning_libraries() -> None:
    code = "import sys, ml.cli.main; print(*({'pandas', 'sklearn', 'mlflow', 'optuna'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""


def test_simulate_without_its_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ml.simulation.api_client", None)
    result = RUNNER.invoke(app, ["simulate"])

    assert isinstance(result.exception, SimulationError)
    assert str(result.exception) == "simulate is not part of this image: run it natively."


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
        ('{"records": [{}], "code_system": "icd10"}', "'code_system' must be icd-9-cm or icd-10-cm"),
        ('{"records": [{"diag_1": "4"}], "code_system": "icd-10-cm"}', "diag_1 is '4', expected an ICD-10-CM code"),
    ],
)
def test_invalid_records_are_refused(body: str, sentence: str) -> None:
    code, text = invoke("predict", "-", stdin=body)

    assert code == 2
    assert sentence in text


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("age\n", "the file has a header, but no rows"),
        ("agee\n1\n", "agee"),
        ("age,gender\n[60-70),Female\nold,Male\nold,Male\n", "line 3: age is 'old', expected one of"),
        ("age,gender\nold,Male\nold,Male\n", "(lines with this error: 2)"),
        ("age,gender\n[60-70)\n", "line 2: the line has 1 values, the header names 2"),
    ],
)
def test_an_invalid_csv_file_is_refused_with_its_line(body: str, sentence: str) -> None:
    code, text = invoke("predict", "-", stdin=body)

    assert code == 2
    assert sentence in text


def test_a_prediction_loads_no_machine_learning_libraries(tmp_path: Path) -> None:
    """They take seconds to import, and one record has to be answered within two."""
    code = (
        "import sys, ml.cli.predict, ml.registry.bundle_download, ml.core.bundle; "
        "print(*({'pandas', 'sklearn', 'mlflow', 'scipy', 'sqlalchemy', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""


@pytest.mark.parametrize(("terminal", "columns"), [(True, 80), (True, 400), (False, 80)])
@given(rows=st.lists(st.lists(st.from_regex(r"[a-z][a-z_ ]{0,70}[a-z]", fullmatch=True), min_size=4, max_size=4)))
def test_no_cell_of_a_table_is_cut(terminal: bool, columns: int, rows: list[list[str]]) -> None:
    out = Console(file=StringIO(), force_terminal=terminal, width=columns, color_system=None)
    table = Table("version", "data version", "rule", "reason", title="Versions")
    for row in rows:
        table.add_row(*row)
    print_table(table, out)

    text = out.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    assert all(cell in text for row in rows for cell in row)
    assert "…" not in text


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    code, text = invoke("predict", str(tmp_path / "nowhere.json"))

    assert code == 2
    assert "cannot be read" in text


def test_an_unknown_family_is_refused() -> None:
    code, text = invoke("train", "--family", "oracle")

    assert code == 2
    assert "random_forest" in text
