"""The policy on the command line, and its changes in the ledger."""

import json

import pytest
from typer.testing import CliRunner, Result

from ml.cli.main import app


@pytest.fixture(autouse=True)
def _environment(database_settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in database_settings.items():
        monkeypatch.setenv(name.upper(), value)
    assert run("migrate").exit_code == 0


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["--quiet", *arguments])


def test_a_policy_is_set_shown_and_withdrawn_and_every_change_is_in_the_ledger() -> None:
    assert "No policy is in force" in run("policy", "show").stdout
    done = run("policy", "set", "Twenty calls", "0.2", "--reason", "two nurses", "--by", "R. Diaz", "--version", "3")
    assert done.exit_code == 0, done.output
    assert "'Twenty calls' is in force: encounters with a risk of 0.2 or more are flagged." in done.stdout
    assert "two nurses" in run("policy", "show").stdout
    assert run("policy", "withdraw", "--reason", "the calls end").exit_code == 0

    shown = json.loads(run("policy", "show", "--json").stdout)
    assert [(one["policy"], one["reason"]) for one in shown] == [
        (None, "the calls end"),
        ({"name": "Twenty calls", "threshold": 0.2}, "two nurses"),
    ]
    ledger = json.loads(run("ledger", "--json").stdout)
    assert [(one["action"], one["actor"], one["rule"], one["figures"]) for one in ledger][1:] == [
        ("policy_set", "R. Diaz", "Twenty calls", {"threshold": 0.2})
    ]
    assert ledger[0]["action"] == "policy_withdrawn"
    assert "policy_withdrawn" in run("ledger").stdout


@pytest.mark.parametrize("threshold", ["0", "1", "20", "nan"])
def test_a_threshold_that_is_no_risk_is_refused(threshold: str) -> None:
    done = run("policy", "set", "calls", threshold, "--reason", "why")
    assert done.exit_code == 2
    assert "threshold" in done.output
    assert json.loads(run("policy", "show", "--json").stdout) == []
