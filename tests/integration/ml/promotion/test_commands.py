"""The commands of the gate: their output, and the ledger entries they write."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ml.cli.main import app
from ml.core.names import PRODUCTION
from ml.promotion.ledger import Action, current_user
from tests.integration.ml.promotion.gates import Gate
from tests.support.killed import OF_DECISIONS
from tests.support.native import ROOT


@pytest.fixture
def commands(gate: Gate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gate:
    """The gate, with its settings in the environment of the command line."""
    fields = gate.settings.model_dump()
    for name in ("postgres_host", "postgres_port", "diabetes_db_name", "diabetes_db_user", "mlflow_tracking_uri"):
        monkeypatch.setenv(name.upper(), str(fields[name]))
    monkeypatch.setenv("DIABETES_DB_PASSWORD", gate.settings.diabetes_db_password.get_secret_value())
    monkeypatch.setenv("BOOTSTRAP_SAMPLES", "50")
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(tmp_path)
    return gate


def output_of(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["--quiet", *arguments])
    assert result.exit_code == 0, result.output + repr(result.exception)
    return " ".join(result.stdout.split())


def test_from_a_promotion_to_a_rollback(commands: Gate, good: Path, weak: Path) -> None:
    commands.add(weak)
    assert output_of("promote", "1") == "Version 1 promoted to production: the first version."
    commands.add(good)
    assert output_of("promote", "2").startswith("Version 2 promoted to production: AUROC is better: +0.")
    assert output_of("rollback") == "Production is version 1 again; version 2 is withdrawn."
    assert output_of("rollback", "--to", "2") == "Production is version 2 again; version 1 is withdrawn."

    kept = json.loads(output_of("ledger", "--json"))
    assert [(entry["action"], entry["version"]) for entry in kept] == [
        ("rolled_back", "2"),
        ("rolled_back", "1"),
        ("promoted", "2"),
        ("promoted", "1"),
    ]
    assert {entry["actor"] for entry in kept} == {current_user()}
    assert kept[2]["figures"]["differences"]["auroc"]["low"] > 0
    assert [entry["version"] for entry in json.loads(output_of("ledger", "--json", "--limit", "1"))] == ["2"]
    printed = output_of("ledger")
    assert printed.index("rolled_back") < printed.index("better") < printed.index("the first version")
    assert "promoted, withdrawn" in output_of("list")


def killed(step: str, *arguments: str) -> None:
    """Run a command, which is killed at a step."""
    command = [sys.executable, "-m", "tests.support.killed", step, "ml", *arguments]
    ended = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


@pytest.mark.parametrize("step", OF_DECISIONS)
def test_a_rollback_or_promotion_that_is_killed_is_finished_by_the_same_command(
    commands: Gate, good: Path, weak: Path, step: str
) -> None:
    output_of("promote", commands.add(weak))
    commands.add(good)
    killed(step, "promote", "2")
    assert output_of("promote", "2").startswith("Version 2 promoted to production")
    assert commands.production == "2"
    commands.approve(commands.add(good))

    killed(step, "rollback")
    moved = step in ("after the alias", "after the tags")
    assert commands.production == ("2" if moved else "3")
    printed = output_of("rollback")
    assert commands.production == "2"
    assert "Production is version 2 again; version 3 is withdrawn." in printed.replace("production is", "Production is")
    assert ("An interrupted rollback had taken effect" in printed) == moved
    assert output_of("rollback") == "Production is version 1 again; version 2 is withdrawn."


def test_the_list_shows_a_manual_move_and_records_it_once(commands: Gate, good: Path, weak: Path) -> None:
    for bundle in (weak, good):
        output_of("promote", commands.add(bundle))
    assert "by hand" not in output_of("list")

    commands.registry.set_alias(PRODUCTION, "1")
    for _ in range(2):
        assert "The alias production was moved by hand from version 2 to version 1; noticed on " in output_of("list")
    assert commands.actions[2:] == [(Action.MOVED_BY_HAND, "1", "2")]
    assert output_of("promote", "1").startswith("The alias production was moved by hand")


def test_versions_are_listed_without_the_ledger(commands: Gate, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output_of("promote", commands.add(good))
    monkeypatch.setenv("POSTGRES_PORT", "18499")
    result = CliRunner().invoke(app, ["list"])

    assert result.exit_code == 0
    assert "promoted" in result.stdout
    assert "The ledger cannot be read" in " ".join(result.stderr.split())
    assert "PostgreSQL at 127.0.0.1:18499 does not answer" in " ".join(result.stderr.split())
