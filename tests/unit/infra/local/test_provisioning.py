import io
from pathlib import Path

import pytest
from rich.console import Console

from infra.local import provisioning
from infra.local.errors import StackError
from infra.local.provisioning import prepare_secrets, write_dotenv
from infra.local.settings import StackSettings


def test_a_lost_secret_of_an_existing_database_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    settings = StackSettings.load(local_dir=tmp_path / ".local")
    settings.paths.create()
    prepare_secrets(settings)
    data_dir = settings.paths.postgres / "main"
    data_dir.mkdir()
    (data_dir / "PG_VERSION").write_text("18")
    (settings.paths.secrets / "airflow_fernet_key").unlink()
    with pytest.raises(StackError, match=r"Secret airflow_fernet_key is missing though .* make clean"):
        prepare_secrets(settings)


def test_a_lost_password_of_a_role_is_generated_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    settings = StackSettings.load(local_dir=tmp_path / ".local")
    settings.paths.create()
    prepare_secrets(settings)
    (settings.paths.postgres / "main").mkdir()
    (settings.paths.postgres / "main" / "PG_VERSION").write_text("18")
    before = settings.paths.read_secret("api_db_password")
    (settings.paths.secrets / "api_db_password").unlink()
    prepare_secrets(settings)
    assert settings.paths.read_secret("api_db_password") not in ("", before)


def test_dotenv_is_created_once_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioning, "ROOT", tmp_path)
    console = Console(file=io.StringIO())
    (tmp_path / ".env.example").write_text("API_PORT=8000\n")
    write_dotenv(console)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    (tmp_path / ".env").write_text("API_PORT=8001\n")
    write_dotenv(console)
    assert (tmp_path / ".env").read_text() == "API_PORT=8001\n"
