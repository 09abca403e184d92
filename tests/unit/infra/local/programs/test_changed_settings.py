"""A setting that is changed between two starts of the native stack takes effect, or the start says that it does not."""

import re
from pathlib import Path
from typing import Any

import pytest

from infra.local.programs import monitoring
from infra.local.programs.environment import GENERATED, without_effect
from infra.local.programs.services import all_programs
from infra.local.provisioning import prepare_secrets
from infra.local.settings import StackSettings
from infra.local.supervision.launch_file import differing, launch_file
from ml.core.secret_files import CHOSEN
from tests.support.env_example import ROOT, documented_settings

OTHER_VALUES = {
    "DATA_SOURCE": "synthetic",
    "DATA_FILE": "pyproject.toml",
    "PREDICTION_LOG": "false",
    "LOG_PATIENT_IDS": "none",
    "RETRAIN_ON_DRIFT": "true",
    "ROOT_PATH": "/api",
    "UI_LANGUAGE": "es",
    "BACKUP_AT": "02:30",
    "BIND_ADDRESS": "127.0.0.2",
    "OUTCOME_MATURITY_DAYS": "31",
    "PREDICTION_LOG_KEY": "another key of 16 characters",
    **{f"{name}_FILE": str(ROOT / "pyproject.toml") for name in CHOSEN},
}
READ_BY_UP = {"AIRFLOW_PASSWORD", "AIRFLOW_PASSWORD_FILE", "MIN_MEMORY_GB", "MIN_DISK_GB", "LOCAL_DIR", "SECRETS_DIR"}
"""Each start writes the logins, checks the machine, and works in these folders."""
READ_BY_BACKUP = {"BACKUP_DIR", "BACKUP_KEEP", "BACKUP_PASSPHRASE", "BACKUP_PASSPHRASE_FILE"}
"""Also programs that run: the schedule, which reads them for each backup."""
OF_COMPOSE = {
    *("AIRFLOW_UID", "MLFLOW_ARTIFACTS", "UV_DEFAULT_INDEX", "COMPOSE_PROJECT_NAME", "NO_PROXY"),
    *("GATEWAY_HOST", "GATEWAY_PORT", "GATEWAY_TLS", "GATEWAY_USER", "REPLICAS_NETWORK", "WORKER_TASKS"),
    *("JOIN_ADDRESS", "JOIN_PORT", "JOIN_FILE"),
    *("API_REPLICAS", "AIRFLOW_WORKERS", "DASK_WORKERS", "LOCUST_WORKERS"),
}
REFUSED = GENERATED & documented_settings().keys()


def launched(tmp_path: Path) -> tuple[StackSettings, dict[str, dict[str, Any]]]:
    settings = StackSettings.load(local_dir=tmp_path / ".local", _env_file=None)
    settings.paths.create()
    prepare_secrets(settings)
    return settings, {program.name: launch_file(program, settings.paths) for program in all_programs(settings)}


@pytest.fixture(autouse=True)
def _only_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither ``.env`` nor variables of this machine; Grafana as if it were installed."""
    for name in documented_settings():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("infra.local.programs.environment.ROOT", tmp_path)
    monkeypatch.setattr(monitoring, "GRAFANA_HOMES", (str(tmp_path),))
    found = monitoring.installed
    monkeypatch.setattr(
        monitoring, "installed", lambda *names: found(*names) or (names[0] if "grafana" in names else None)
    )


def other_value(name: str, default: str) -> str:
    if name in OTHER_VALUES:
        return OTHER_VALUES[name]
    if re.fullmatch(r"\d+\.\d+", default):
        return str(float(default) + 1)
    return str(int(default) + 1) if default.isdigit() else "another"


@pytest.mark.parametrize(
    "name", sorted(documented_settings().keys() - READ_BY_UP - READ_BY_BACKUP - OF_COMPOSE - REFUSED)
)
def test_a_changed_setting_restarts_a_program_or_is_said_to_have_no_effect(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, before = launched(tmp_path)
    monkeypatch.setenv(name, other_value(name, documented_settings()[name]))
    settings, now = launched(tmp_path)
    restarted = [each for each in {**before, **now} if before.get(each) != now.get(each)]
    assert restarted or without_effect(settings) == [name]
    assert all(differing(before[each], now[each]) for each in restarted if each in before and each in now)


@pytest.mark.parametrize(
    ("name", "restarted"),
    [
        ("FOREST_TREES", {"airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"}),
        ("MAX_RECORDS", {"api"}),
        ("OPERATOR_KEY", {"api", "streamlit"}),
        ("EXPORTER_TIMEOUT_SECONDS", {"exporter"}),
        ("LOAD_SHAPE", {"locust"}),
    ],
)
def test_only_programs_that_use_a_setting_are_restarted(
    name: str, restarted: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, before = launched(tmp_path)
    monkeypatch.setenv(name, other_value(name, documented_settings()[name]))
    _, now = launched(tmp_path)
    changed = {each: differing(before[each], now[each]) for each in before if before[each] != now[each]}
    assert changed == dict.fromkeys(restarted, (name,))


def test_of_a_changed_secret_only_its_name_is_told(tmp_path: Path) -> None:
    settings, before = launched(tmp_path)
    secret = settings.paths.secrets / "mlflow_db_password"
    secret.unlink()
    secret.write_text("rotated")
    _, now = launched(tmp_path)
    changed = {each: differing(before[each], now[each]) for each in before if before[each] != now[each]}
    assert changed == {"mlflow": ("mlflow_db_password",), "mlflow-cleanup": ("mlflow_db_password",)}
    assert "rotated" not in str(now)


def test_another_secret_in_the_same_file_restarts_what_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "api_keys"
    file.write_text(f"ward:{'1' * 64}")
    monkeypatch.setenv("API_KEYS_FILE", str(file))
    _, before = launched(tmp_path)
    file.write_text(f"ward:{'1' * 64},office:{'2' * 64}")
    _, now = launched(tmp_path)
    assert {name: differing(before[name], now[name]) for name in now if before[name] != now[name]} == {
        "api": ("API_KEYS",)
    }
    assert "1" * 64 not in str(now)
