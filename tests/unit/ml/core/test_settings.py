"""Settings: sources, precedence, and messages for missing or malformed values."""

import os
from pathlib import Path

import pytest

from ml.core.errors import SettingsError
from ml.core.settings import DatabaseSettings, MlSettings

NEEDED = {"DIABETES_DB_PASSWORD": "s3cret/@:"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A working directory without secrets and without .env."""
    monkeypatch.chdir(tmp_path)
    for settings in (DatabaseSettings, MlSettings):
        monkeypatch.setitem(settings.model_config, "env_file", ".env")


def given(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in {**NEEDED, **values}.items():
        monkeypatch.setenv(name, value)


def test_only_the_password_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch)
    settings = MlSettings.load()

    assert settings.data_source == "auto"
    assert settings.max_rejected_share == 0.01
    assert settings.mlflow_tracking_uri == "http://127.0.0.1:5000"


def test_a_missing_setting_is_named_in_one_sentence() -> None:
    with pytest.raises(SettingsError, match=r"^Setting DIABETES_DB_PASSWORD is missing: set it in \.env, or .*\.$"):
        MlSettings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_PORT", "http"),
        ("POSTGRES_PORT", "70000"),
        ("MLFLOW_PORT", "0"),
        ("DATA_SOURCE", "kaggle"),
        ("MAX_REJECTED_SHARE", "1.5"),
        ("FOREST_TREES", "many"),
        ("UCI_ATTEMPTS", "0"),
        ("TUNE_FOLDS", "1"),
        ("BOOTSTRAP_SAMPLES", "1"),
    ],
)
def test_a_malformed_setting_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    given(monkeypatch, **{name: value})

    with pytest.raises(SettingsError) as caught:
        MlSettings.load()

    assert str(caught.value).startswith(f"Setting {name} has a malformed value '{value}': ")
    assert "\n" not in str(caught.value)


def test_a_secret_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch)
    settings = MlSettings.load()

    assert "s3cret" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_a_malformed_secret_is_not_printed() -> None:
    with pytest.raises(SettingsError) as caught:
        MlSettings.load(diabetes_db_password=["hunter2"])

    assert str(caught.value).startswith("Setting DIABETES_DB_PASSWORD has a malformed value: ")
    assert "hunter2" not in str(caught.value)


def test_the_address_of_the_database_quotes_the_password_and_names_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, POSTGRES_PORT="5999")

    url = DatabaseSettings.load().database_url

    assert url == "postgresql+psycopg2://diabetes:s3cret%2F%40%3A@127.0.0.1:5999/diabetes"


def test_secrets_are_read_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secrets = tmp_path / "elsewhere"
    secrets.mkdir()
    (secrets / "diabetes_db_password").write_text("from a file\n")
    monkeypatch.setenv("SECRETS_DIR", str(secrets))

    assert DatabaseSettings.load().diabetes_db_password.get_secret_value() == "from a file"


def test_the_environment_overrides_env_file_and_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".local" / "secrets").mkdir(parents=True)
    (tmp_path / ".local" / "secrets" / "diabetes_db_password").write_text("from a file")
    assert DatabaseSettings.load().diabetes_db_password.get_secret_value() == "from a file"

    (tmp_path / ".env").write_text("DIABETES_DB_PASSWORD=from .env\n")
    assert DatabaseSettings.load().diabetes_db_password.get_secret_value() == "from .env"

    monkeypatch.setenv("DIABETES_DB_PASSWORD", "from the environment")
    assert DatabaseSettings.load().diabetes_db_password.get_secret_value() == "from the environment"


def test_an_empty_data_file_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, DATA_FILE="")

    assert MlSettings.load().data_file is None


def test_the_address_of_mlflow_follows_its_port_unless_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, MLFLOW_PORT="5055")
    assert MlSettings.load().mlflow_tracking_uri == "http://127.0.0.1:5055"

    given(monkeypatch, MLFLOW_TRACKING_URI="http://mlflow:5000")
    assert MlSettings.load().mlflow_tracking_uri == "http://mlflow:5000"


def test_unknown_variables_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given(monkeypatch)
    (tmp_path / ".env").write_text("GRAFANA_PORT=3000\nSOMETHING_ELSE=1\n")

    assert MlSettings.load().postgres_port == 5432
    assert "SOMETHING_ELSE" not in os.environ
