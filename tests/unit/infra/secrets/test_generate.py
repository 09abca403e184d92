import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infra.secrets.generate import SECRETS, generate, main, missing

SCRIPT = Path(__file__).parents[4] / "infra" / "secrets" / "generate.py"


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_all_secrets_are_generated_once_and_never_overwritten(tmp_path: Path) -> None:
    assert generate(tmp_path) == list(SECRETS)
    first = contents(tmp_path)
    assert generate(tmp_path) == []
    assert contents(tmp_path) == first


def test_only_a_missing_secret_is_generated_again(tmp_path: Path) -> None:
    generate(tmp_path)
    (tmp_path / "airflow_jwt_secret").unlink()
    assert missing(tmp_path) == ["airflow_jwt_secret"]
    assert generate(tmp_path) == ["airflow_jwt_secret"]


def test_an_empty_file_counts_as_missing(tmp_path: Path) -> None:
    (tmp_path / "postgres_password").touch()
    assert "postgres_password" in missing(tmp_path)
    generate(tmp_path)
    assert missing(tmp_path) == []


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    generate(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o400}


def test_a_mode_is_also_set_on_existing_secrets(tmp_path: Path) -> None:
    generate(tmp_path, ["postgres_password"])
    generate(tmp_path, ["postgres_password"], mode=0o440)
    assert stat.S_IMODE((tmp_path / "postgres_password").stat().st_mode) == 0o440


def test_all_secrets_differ_and_need_no_quoting_in_a_url(tmp_path: Path) -> None:
    generate(tmp_path)
    generated = contents(tmp_path)
    assert len(set(generated.values())) == len(SECRETS)
    for name, text in generated.items():
        assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="), name


def test_the_fernet_key_is_32_bytes(tmp_path: Path) -> None:
    generate(tmp_path)
    assert len(base64.urlsafe_b64decode((tmp_path / "airflow_fernet_key").read_text())) == 32


def test_the_file_runs_alone_and_prints_only_names(tmp_path: Path) -> None:
    command = [sys.executable, "-I", str(SCRIPT), str(tmp_path), "--names", "diabetes_db_password", "--mode", "0440"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "created diabetes_db_password\n"
    assert contents(tmp_path)["diabetes_db_password"] not in done.stdout + done.stderr


def test_no_draft_remains(tmp_path: Path) -> None:
    generate(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(SECRETS)


def test_an_unknown_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--names", "password_of_everything"])
    assert "unknown secret 'password_of_everything'" in capsys.readouterr().err
