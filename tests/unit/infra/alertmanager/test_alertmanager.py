"""Alertmanager's configuration: sound, of alerts that exist, and the same wherever it is laid out."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.alertmanager.layout import NOTICES, SOURCE, lay_out
from tests.support.programs import required
from tests.unit.infra.prometheus.prometheus_files import ROOT, alerts


def amtool(*arguments: str | Path) -> str:
    program = required("amtool", package="prometheus-alertmanager")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def config() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(SOURCE.read_text())
    return found


def matching(matchers: list[str]) -> dict[str, set[str]]:
    """Each alternative that a rule's matcher of names has, and the alerts that it means."""
    pattern = next(found for matcher in matchers if (found := re.fullmatch(r'alertname=~?"(.+)"', matcher)))[1]
    names = {alert["alert"] for alert in alerts()}
    return {part: {name for name in names if re.fullmatch(part, name)} for part in pattern.split("|")}


def test_amtool_accepts_it() -> None:
    assert "SUCCESS" in amtool("check-config", SOURCE)


@pytest.mark.parametrize(("severity", "receiver"), [("critical", "at-once"), ("warning", "in-time")])
def test_severity_decides_who_is_told(severity: str, receiver: str) -> None:
    assert amtool("config", "routes", "test", f"--config.file={SOURCE}", f"severity={severity}").strip() == receiver


@pytest.mark.parametrize("rule", config()["inhibit_rules"], ids=lambda rule: rule["source_matchers"][0])
def test_inhibition_is_of_alerts_that_exist_and_never_of_itself(rule: dict[str, Any]) -> None:
    sources, targets = matching(rule["source_matchers"]), matching(rule["target_matchers"])
    assert all(sources.values())
    assert all(targets.values())
    assert set().union(*sources.values()).isdisjoint(set().union(*targets.values()))


def test_every_receiver_tells_when_an_alert_has_ended() -> None:
    hooks = [hook for receiver in config()["receivers"] for hook in receiver["webhook_configs"]]
    assert hooks
    assert all(hook["send_resolved"] for hook in hooks)


def test_the_receiver_is_a_service_of_compose() -> None:
    service, _, port = NOTICES.partition(":")
    found = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][service]
    assert found["environment"]["NOTICES_PORT"] == port


def test_laid_out_it_names_the_given_receiver_and_is_else_the_same(tmp_path: Path) -> None:
    file = lay_out(tmp_path / "alertmanager", "127.0.0.1:19106")
    assert file.read_text() == SOURCE.read_text().replace("notices:9106", "127.0.0.1:19106")
    assert file.read_text().count("127.0.0.1:19106/notify") == 2
