"""The configuration: every job has its targets, in Compose and laid out elsewhere; promtool accepts all of it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.prometheus.layout import job_names, lay_out
from tests.support.programs import required
from tests.unit.infra.prometheus.prometheus_files import FOLDER, ROOT, SCENARIOS

JOBS = [
    "alertmanager",
    "api",
    "cadvisor",
    "exporter",
    "grafana",
    "locust",
    "mlflow-postgres",
    "node",
    "notices",
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
    told = _promtool("check", "config", FOLDER / "prometheus.yml")
    assert "WARNING" not in told, told


@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.yml")), ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_only_then(file: Path) -> None:
    _promtool("test", "rules", file)


def test_every_job_has_a_target_file_and_no_file_is_left_over() -> None:
    named = {job["job_name"]: job["file_sd_configs"] for job in _config()["scrape_configs"]}
    assert sorted(named) == list(job_names()) == JOBS
    assert named == {job: [{"files": [f"targets/{job}.yml"]}] for job in named}


def test_alerts_go_to_the_alertmanager_that_is_watched() -> None:
    (managers,) = _config()["alerting"]["alertmanagers"]
    assert managers == {"file_sd_configs": [{"files": ["targets/alertmanager.yml"]}]}


def test_targets_of_compose_are_its_services() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    targets = [yaml.safe_load(file.read_text()) for file in (FOLDER / "targets").glob("*.yml")]
    hosts = {address.split(":")[0] for groups in targets for group in groups for address in group["targets"]}
    assert hosts - set(services) == {"localhost"}, "Prometheus watches itself, and else only what runs"


def test_the_time_limit_of_a_scrape_fits_into_its_interval() -> None:
    times = _config()["global"]
    assert int(times["scrape_timeout"][:-1]) < int(times["scrape_interval"][:-1])


def test_a_laid_out_configuration_names_the_given_addresses_only(tmp_path: Path) -> None:
    config = lay_out(tmp_path / "prometheus", {"api": "127.0.0.1:18000", "exporter": "127.0.0.1:19105"})
    assert [file.name for file in sorted((config.parent / "targets").iterdir())] == ["api.yml", "exporter.yml"]
    assert yaml.safe_load((config.parent / "targets" / "api.yml").read_text()) == [{"targets": ["127.0.0.1:18000"]}]
    told = _promtool("check", "config", config)
    assert "rules found" in told


def test_laying_out_again_forgets_jobs_that_are_gone(tmp_path: Path) -> None:
    lay_out(tmp_path, {"api": "127.0.0.1:1", "locust": "127.0.0.1:2"})
    config = lay_out(tmp_path, {"api": "127.0.0.1:3"})
    assert [file.name for file in (config.parent / "targets").iterdir()] == ["api.yml"]


def test_a_job_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no job apii; it has alertmanager, api"):
        lay_out(tmp_path, {"apii": "127.0.0.1:1"})
