import base64
import stat
import subprocess
import sys
from pathlib import Path

from infra.secrets.generate import SECRETS, generate, missing

ROOT = Path(__file__).parents[4]


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


def test_all_secrets_differ_and_need_no_quoting_in_a_url(tmp_path: Path) -> None:
    generate(tmp_path)
    generated = contents(tmp_path)
    assert len(set(generated.values())) == len(SECRETS)
    for name, text in generated.items():
        assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="), name


def test_the_fernet_key_is_32_bytes(tmp_path: Path) -> None:
    generate(tmp_path)
    assert len(base64.urlsafe_b64decode((tmp_path / "airflow_fernet_key").read_text())) == 32


def test_no_draft_remains(tmp_path: Path) -> None:
    generate(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(SECRETS)


def test_it_needs_only_the_standard_library(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import infra.secrets.distribute"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=tmp_path, check=True)
