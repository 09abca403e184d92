"""Alertmanager's configuration: valid, and its matchers name existing alerts."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local.programs.monitoring import ALERTMANAGER_CONFIGURATION
from tests.support.alerting import configuration
from tests.support.programs import required
from tests.unit.infra.prometheus.prometheus_files import alerts


def amtool(*arguments: str | Path) -> str:
    program = required("amtool", package="prometheus-alertmanager")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def config() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(ALERTMANAGER_CONFIGURATION.read_text())
    return parsed


def matching(matchers: list[str]) -> dict[str, set[str]]:
    """Alternatives of the matcher on ``alertname``, each with the alerts that it matches."""
    pattern = next(match for matcher in matchers if (match := re.fullmatch(r'alertname=~?"(.+)"', matcher)))[1]
    names = {alert["alert"] for alert in alerts()}
    return {part: {name for name in names if re.fullmatch(part, name)} for part in pattern.split("|")}


def test_amtool_accepts_the_configuration() -> None:
    assert "SUCCESS" in amtool("check-config", ALERTMANAGER_CONFIGURATION)


def test_amtool_accepts_the_commented_examples(tmp_path: Path) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(
        re.sub(r"^( +)# ((?:smtp|webhook|email)_\w+: )", r"\1\2", ALERTMANAGER_CONFIGURATION.read_text(), flags=re.M)
    )
    receivers = yaml.safe_load(file.read_text())["receivers"]
    assert [sorted(receiver) for receiver in receivers] == [["name", "webhook_configs"], ["email_configs", "name"]]
    assert "SUCCESS" in amtool("check-config", file)


@pytest.mark.parametrize("severity", ["critical", "warning"])
def test_the_severity_selects_the_receiver(severity: str) -> None:
    route = amtool("config", "routes", "test", f"--config.file={ALERTMANAGER_CONFIGURATION}", f"severity={severity}")
    assert route.strip() == severity


def test_receivers_have_no_integration_by_default() -> None:
    assert config()["receivers"] == [{"name": "critical"}, {"name": "warning"}]


@pytest.mark.parametrize("rule", config()["inhibit_rules"], ids=lambda rule: rule["source_matchers"][0])
def test_an_inhibition_names_existing_alerts_and_never_its_own_source(rule: dict[str, Any]) -> None:
    sources, targets = matching(rule["source_matchers"]), matching(rule["target_matchers"])
    assert all(sources.values())
    assert all(targets.values())
    assert set().union(*sources.values()).isdisjoint(set().union(*targets.values()))


def test_the_configuration_of_the_tests_differs_in_receivers_and_waiting_times_only() -> None:
    changed = yaml.safe_load(configuration("http://127.0.0.1:1/"))
    assert changed["inhibit_rules"] == config()["inhibit_rules"]
    assert changed["route"]["repeat_interval"] == "4320s"
    assert [hook["url"] for receiver in changed["receivers"] for hook in receiver["webhook_configs"]] == [
        "http://127.0.0.1:1/"
    ] * 2
