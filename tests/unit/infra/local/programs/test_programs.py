import re
from collections import Counter
from pathlib import Path

import pytest

from infra.local.errors import StackError
from infra.local.postgres.databases import prepare_secrets
from infra.local.programs.environment import given_settings, known_variables, without_settings
from infra.local.programs.stack import all_programs
from infra.local.settings import StackSettings
from infra.secrets.generate import SECRETS


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackSettings:
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    settings = StackSettings.load(local_dir=tmp_path / ".local")
    settings.places.create()
    prepare_secrets(settings)
    return settings


def test_every_port_is_used_once_and_can_be_moved_by_a_setting(settings: StackSettings) -> None:
    programs = all_programs(settings)
    uses = Counter(port for program in programs for port in program.ports.values())
    assert set(uses.values()) == {1}
    for program in programs:
        for variable, port in program.ports.items():
            assert getattr(settings, variable.lower()) == port


def test_the_stack_has_the_programs_of_the_design(settings: StackSettings) -> None:
    names = [program.name for program in all_programs(settings)]
    assert names[:11] == [
        "postgres",
        "mlflow-postgres",
        "airflow-apiserver",
        "airflow-scheduler",
        "airflow-dag-processor",
        "airflow-triggerer",
        "mlflow",
        "api",
        "streamlit",
        "locust",
        "exporter",
    ]


def test_no_secret_stands_in_a_command_line_or_a_plain_variable(settings: StackSettings) -> None:
    secrets = [(settings.places.secrets / name).read_text() for name in SECRETS]
    for program in all_programs(settings):
        shown = " ".join([*program.command, *program.environment.values(), *program.secret_environment.values()])
        assert not any(secret in shown for secret in secrets), program.name


def test_every_secret_a_program_asks_for_is_one_that_is_made(settings: StackSettings) -> None:
    asked = {
        name
        for program in all_programs(settings)
        for template in program.secret_environment.values()
        for name in re.findall(r"\{(\w+)\}", template)
    }
    assert asked <= set(SECRETS)


def test_only_scheduler_and_api_server_can_sign_tokens(settings: StackSettings) -> None:
    signers = {p.name for p in all_programs(settings) if "AIRFLOW__API_AUTH__JWT_SECRET" in p.secret_environment}
    assert signers == {"airflow-apiserver", "airflow-scheduler"}


def test_every_database_url_names_its_driver(settings: StackSettings) -> None:
    urls = [t for p in all_programs(settings) for t in p.secret_environment.values() if "://" in t]
    assert urls
    assert all(re.match(r"postgresql\+(psycopg2|asyncpg)://", url) for url in urls)


def test_nothing_listens_beyond_this_machine_unless_asked(settings: StackSettings) -> None:
    for program in all_programs(settings):
        shown = " ".join([*program.command, *program.environment.values()])
        assert "0.0.0.0" not in shown, program.name  # noqa: S104 - looked for, not bound


def test_a_lost_secret_beside_a_database_is_named_with_the_remedy(settings: StackSettings) -> None:
    data_dir = settings.places.postgres / "main"
    data_dir.mkdir()
    (data_dir / "PG_VERSION").write_text("18")
    (settings.places.secrets / "airflow_fernet_key").unlink()
    with pytest.raises(StackError, match=r"Secret airflow_fernet_key is missing though .* make clean"):
        prepare_secrets(settings)


def test_the_shell_wins_over_dotenv_and_strangers_stay_out(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("DATA_SOURCE=uci\nAPI_PORT=8001\nSTRANGER=1\n")
    assert given_settings({"DATA_SOURCE": "synthetic", "HOME": "/root"}, dotenv) == {
        "DATA_SOURCE": "synthetic",
        "API_PORT": "8001",
    }


def test_secrets_are_no_known_variables() -> None:
    assert not {name for name in known_variables() if "PASSWORD" in name}


def test_the_supervisor_inherits_no_settings() -> None:
    assert without_settings({"DATA_SOURCE": "uci", "PATH": "/bin"}) == {"PATH": "/bin"}
