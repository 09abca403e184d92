"""New secrets in the files; what the next start needs of the former ones stays until it is no longer needed."""

import stat
from pathlib import Path

import pytest
import yaml

from infra.secrets.distribute import AUDIENCES
from infra.secrets.generate import FERNET_KEY, SECRETS, SUPERUSERS, former_passwords, generate
from infra.secrets.rotate import HOLDERS, forget_former, next_steps, refusal, rotate_secret
from ml.core.names import SIGNING_KEY
from tests.support.overlays import SCALE, overlay

COMPOSE = yaml.safe_load((Path(__file__).parents[4] / "docker-compose.yml").read_text())
ROTATED = sorted(SECRETS.keys() - {"prediction_log_key", SIGNING_KEY})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generate(tmp_path)
    return tmp_path


def read(folder: Path, name: str) -> str:
    return (folder / name).read_text()


def test_every_secret_rotates_or_is_refused_with_the_reason() -> None:
    assert {name for name in SECRETS if refusal([name])} == {"prediction_log_key"}
    assert "outcomes by encounter find no earlier prediction" in (refusal(["prediction_log_key"]) or "")
    assert (refusal(["api_db_passwort"]) or "").startswith("There is no secret api_db_passwort: the secrets are ")
    assert HOLDERS.keys() == set(ROTATED)


@pytest.mark.parametrize("name", ROTATED)
def test_a_new_value_replaces_the_former_and_only_the_owner_can_read_it(name: str, folder: Path) -> None:
    before = {path.name: path.read_text() for path in folder.iterdir()}
    rotate_secret(folder, name)
    assert read(folder, name) != before[name]
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o400
    assert {path.name for path in folder.iterdir() if read(folder, path.name) != before.get(path.name)} == (
        {name, f".{name}.former"} if name in SUPERUSERS else {name}
    )


@pytest.mark.parametrize("name", SUPERUSERS)
def test_every_password_that_the_server_may_have_is_kept_until_the_rotation_is_finished(
    name: str, folder: Path
) -> None:
    first = read(folder, name)
    rotate_secret(folder, name)
    second = read(folder, name)
    rotate_secret(folder, name)  # before a start has set the second
    assert former_passwords(folder, name) == [second, first]
    forget_former(folder, name)
    assert former_passwords(folder, name) == []
    assert read(folder, name) not in (first, second)


def test_a_fernet_key_is_rotated_once_until_the_former_is_no_longer_needed(folder: Path) -> None:
    former = read(folder, FERNET_KEY)
    rotate_secret(folder, FERNET_KEY)
    both = read(folder, FERNET_KEY)
    assert both.endswith(f",{former}")
    rotate_secret(folder, FERNET_KEY)
    assert read(folder, FERNET_KEY) == both
    forget_former(folder, FERNET_KEY)
    assert read(folder, FERNET_KEY) == both.removesuffix(f",{former}")


def test_the_next_steps_of_compose_name_every_service_that_holds_the_secrets() -> None:
    assert next_steps(["mlflow_db_password", "api_db_password"]) == [
        "Now run: docker compose up -d --force-recreate mlflow-postgres-roles mlflow postgres-roles"
    ]
    assert next_steps([FERNET_KEY])[1].endswith(f"infra.secrets.rotate {FERNET_KEY} --retire")
    assert next_steps([SIGNING_KEY]) == [
        "Now run: docker compose exec airflow-scheduler python -m ml rotate-signing-key"
    ]


OF_TASKS = frozenset({"diabetes_db_password", "prediction_log_key"})
READ_WHEN_USED = {
    "api": {"api_db_password", "prediction_log_key"},
    "airflow-init": {"airflow_db_password", "airflow_api_secret_key", *OF_TASKS},
    "airflow-apiserver": OF_TASKS,
    "airflow-scheduler": OF_TASKS,
    "airflow-dag-processor": OF_TASKS,
    "airflow-triggerer": OF_TASKS,
    "postgres": set(SECRETS),
    "mlflow-postgres": set(SECRETS),
}
"""Secrets that a mounted volume has and no running process holds: read at each connection, by each task, or once."""


def test_the_table_of_holders_agrees_with_the_volumes_of_compose() -> None:
    for service, definition in COMPOSE["services"].items():
        added = overlay(SCALE)["services"].get(service, {}).get("volumes", [])
        volumes = [str(mount).partition(":")[0] for mount in (*definition.get("volumes", []), *added)]
        mounted = {
            name
            for audience, names in AUDIENCES.items()
            if f"secrets-{audience}" in volumes and audience != "backup" and service != "secrets"
            for name in names
            if name in ROTATED
        }
        holds = {name for name, services in HOLDERS.items() if service in services}
        assert holds <= mounted, service
        if not service.endswith("postgres-roles"):  # they read the superuser's and set the others
            assert mounted - holds <= READ_WHEN_USED.get(service, set()), service
