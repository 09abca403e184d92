"""The configuration: every job has its targets, in Docker Compose and elsewhere; promtool accepts all files."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.prometheus.configuration import UI_URL, job_names, render, write
from ml.core.settings import PublicAddresses
from tests.support.programs import required
from tests.unit.infra.prometheus.prometheus_files import FOLDER, ROOT, alerts

JOBS = [
    "alertmanager",
    "api",
    "cadvisor",
    "exporter",
    "grafana",
    "locust",
    "mlflow-postgres",
    "node",
    "postgres",
    "prometheus",
    "streamlit",
]


def _promtool(*arguments: str | Path) -> str:
    program = required("promtool", package="prometheus")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _config() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    return config


def test_promtool_accepts_the_configuration_and_its_rules() -> None:
    output = _promtool("check", "config", FOLDER / "prometheus.yml")
    assert "WARNING" not in output, output


def test_every_job_has_a_target_file_and_every_target_file_a_job() -> None:
    jobs = {job["job_name"]: job["file_sd_configs"] for job in _config()["scrape_configs"]}
    assert sorted(jobs) == job_names() == JOBS
    assert jobs == {job: [{"files": [f"targets/{job}.yml"]}] for job in jobs}


def test_alerts_are_sent_to_the_alertmanager_that_is_scraped() -> None:
    (managers,) = _config()["alerting"]["alertmanagers"]
    assert managers == {"file_sd_configs": [{"files": ["targets/alertmanager.yml"]}]}


def test_targets_of_compose_are_its_services() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    targets = [yaml.safe_load(file.read_text()) for file in (FOLDER / "targets").glob("*.yml")]
    hosts = {address.split(":")[0] for groups in targets for group in groups for address in group["targets"]}
    assert hosts - set(services) == {"localhost"}, "Prometheus scrapes itself by localhost"


def test_the_scrape_timeout_is_shorter_than_the_interval() -> None:
    limits = _config()["global"]
    assert int(limits["scrape_timeout"][:-1]) < int(limits["scrape_interval"][:-1])


def test_written_files_have_the_given_addresses_only(tmp_path: Path) -> None:
    config = write(tmp_path / "prometheus", {"api": "127.0.0.1:18000", "exporter": "127.0.0.1:19105"})
    assert [file.name for file in sorted((config.parent / "targets").iterdir())] == ["api.yml", "exporter.yml"]
    assert yaml.safe_load((config.parent / "targets" / "api.yml").read_text()) == [{"targets": ["127.0.0.1:18000"]}]
    assert "rules found" in _promtool("check", "config", config)


def test_writing_again_removes_the_targets_of_earlier_jobs(tmp_path: Path) -> None:
    write(tmp_path, {"api": "127.0.0.1:1", "locust": "127.0.0.1:2"})
    config = write(tmp_path, {"api": "127.0.0.1:3"})
    assert [file.name for file in (config.parent / "targets").iterdir()] == ["api.yml"]


def test_an_unknown_job_is_refused() -> None:
    with pytest.raises(ValueError, match=r"has no job apii; it has alertmanager, api"):
        render({"apii": "127.0.0.1:1"})


def test_runbook_links_lead_to_the_given_user_interface() -> None:
    rules = "".join(text for name, text in render({}, "https://ui.example.org/").items() if name.startswith("rules/"))
    assert UI_URL not in rules
    assert rules.count("https://ui.example.org/runbooks?name=") == len(alerts())


def test_compose_replaces_the_address_of_the_user_interface_in_the_rules() -> None:
    prometheus = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["prometheus"]
    assert f"s|{UI_URL}|$${{UI_PUBLIC_URL%/}}|" in prometheus["entrypoint"][2]
    assert "UI_PUBLIC_URL" in prometheus["environment"]


def test_the_default_address_of_the_user_interface_is_that_of_the_settings() -> None:
    assert f"http://localhost:{PublicAddresses.model_fields['ui_port'].default}" == UI_URL
