"""Secrets that people choose, in files: ``NAME_FILE`` in place of ``NAME``."""

from pathlib import Path

import pytest

from api.settings import ApiSettings
from infra.backup.settings import BackupSettings
from infra.local.settings import StackSettings
from ml.core.errors import SettingsError
from ml.core.secret_files import CHOSEN, with_secret_files
from ml.core.settings import ApiClientSettings, PlatformSettings
from tests.support.env_example import documented_settings
from ui.settings import UiSettings

CLASSES: dict[str, type[PlatformSettings]] = {
    "AIRFLOW_PASSWORD": StackSettings,
    "GRAFANA_PASSWORD": StackSettings,
    "API_KEYS": ApiSettings,
    "OPERATOR_KEY": UiSettings,
    "API_KEY": ApiClientSettings,
    "BACKUP_PASSPHRASE": BackupSettings,
}
GIVEN = {"api_db_password": "p" * 16, "prediction_log_key": "k" * 16}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("a secret of mine\n")
    return path


def value(name: str, dotenv: Path | None = None) -> str:
    settings = CLASSES[name].load(_env_file=dotenv, **GIVEN)
    secret: str = getattr(settings, name.lower()).get_secret_value()
    return secret


@pytest.mark.parametrize("name", CHOSEN)
def test_each_is_read_from_its_file_whatever_the_variable_says(
    name: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{name}_FILE", str(file))
    assert value(name) == "a secret of mine"
    monkeypatch.setenv(name, "another")
    assert value(name) == "a secret of mine"
    monkeypatch.setenv(f"{name}_FILE", "")
    assert value(name) == "another"


def test_the_path_may_be_in_dotenv_and_the_environment_takes_precedence(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"OPERATOR_KEY=\nOPERATOR_KEY_FILE={file}\n")
    assert value("OPERATOR_KEY", dotenv) == "a secret of mine"
    other = tmp_path / "other"
    other.write_text("another")
    monkeypatch.setenv("OPERATOR_KEY_FILE", str(other))
    assert value("OPERATOR_KEY", dotenv) == "another"


def test_the_rest_of_the_variables_stays(file: Path) -> None:
    variables = {"API_KEYS_FILE": str(file), "API_KEYS": "", "BIND_ADDRESS": "0.0.0.0"}  # noqa: S104
    assert with_secret_files(variables) == variables | {"API_KEYS": "a secret of mine"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file or directory"), (b"\xff\xfe", "it is not a text"), (b" \n", "is empty")],
)
def test_a_file_that_holds_no_secret_is_refused_with_its_name_and_not_its_content(
    content: bytes | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("API_KEYS_FILE", str(path))
    with pytest.raises(SettingsError, match=reason) as refused:
        value("API_KEYS")
    assert str(refused.value).startswith(f"API_KEYS_FILE={path} ")


def test_each_is_documented_beside_its_variable() -> None:
    assert set(CHOSEN) | {f"{name}_FILE" for name in CHOSEN} <= documented_settings().keys()
