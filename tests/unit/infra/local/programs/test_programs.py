import re
from collections import Counter
from pathlib import Path

import pytest

from infra.local.programs.environment import TELEMETRY_OFF, read_settings, without_settings
from infra.local.programs.program import Program
from infra.local.programs.services import all_programs
from infra.local.provisioning import prepare_secrets
from infra.local.settings import StackSettings
from infra.secrets.generate import SECRETS

PYTHON_PROGRAMS = (
    "airflow-apiserver",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "mlflow",
    "api",
    "streamlit",
    "locust",
    "exporter",
    "mlflow-cleanup",
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackSettings:
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    settings = StackSettings.load(local_dir=tmp_path / ".local")
    settings.paths.create()
    prepare_secrets(settings)
    return settings


@pytest.fixture
def programs(settings: StackSettings) -> list[Program]:
    return all_programs(settings)


def test_databases_start_first_and_then_the_services(programs: list[Program]) -> None:
    names = [program.name for program in programs]
    assert names[:12] == ["postgres", "mlflow-postgres", *PYTHON_PROGRAMS]


def test_every_port_is_used_once_and_has_a_setting(settings: StackSettings, programs: list[Program]) -> None:
    assert set(Counter(port for program in programs for port in program.ports.values()).values()) == {1}
    for program in programs:
        for variable, port in program.ports.items():
            assert getattr(settings, variable.lower()) == port


def test_no_secret_is_in_a_command_line_or_plain_variable(settings: StackSettings, programs: list[Program]) -> None:
    secrets = [settings.paths.read_secret(name) for name in SECRETS]
    for program in programs:
        text = " ".join([*program.command, *program.environment.values(), *program.secret_environment.values()])
        assert not any(secret in text for secret in secrets), program.name


def test_every_secret_of_a_program_is_generated(programs: list[Program]) -> None:
    templates = [template for program in programs for template in program.secret_environment.values()]
    assert {name for template in templates for name in re.findall(r"\{(\w+)\}", template)} <= set(SECRETS)


def test_only_scheduler_and_api_server_can_sign_tokens(programs: list[Program]) -> None:
    signers = {program.name for program in programs if "AIRFLOW__API_AUTH__JWT_SECRET" in program.secret_environment}
    assert signers == {"airflow-apiserver", "airflow-scheduler"}


def test_every_database_url_names_its_driver(programs: list[Program]) -> None:
    urls = [text for program in programs for text in program.secret_environment.values() if "://" in text]
    assert urls
    assert all(re.match(r"postgresql\+(psycopg2|asyncpg)://", url) for url in urls)


def test_by_default_no_program_listens_on_every_interface(programs: list[Program]) -> None:
    for program in programs:
        assert "0.0.0.0" not in " ".join([*program.command, *program.environment.values()]), program.name  # noqa: S104


def test_no_program_sends_usage_data(programs: list[Program]) -> None:
    environments = {program.name: program.environment for program in programs}
    for name in PYTHON_PROGRAMS:
        assert environments[name].items() >= TELEMETRY_OFF.items(), name
    if grafana := environments.get("grafana"):
        assert {grafana[name] for name in grafana if name.startswith("GF_ANALYTICS_")} == {"false"}


def test_the_environment_overrides_dotenv_and_other_variables_are_left_out(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("DATA_SOURCE=uci\nAPI_PORT=8001\nUNKNOWN=1\n")
    assert read_settings({"DATA_SOURCE": "synthetic", "HOME": "/root"}, dotenv) == {
        "DATA_SOURCE": "synthetic",
        "API_PORT": "8001",
    }


def test_the_supervisor_inherits_no_settings() -> None:
    inherited = {"DATA_SOURCE": "uci", "OPERATOR_KEY": "k", "API_DB_PASSWORD": "p", "PATH": "/bin"}
    assert without_settings(inherited) == {"PATH": "/bin"}
