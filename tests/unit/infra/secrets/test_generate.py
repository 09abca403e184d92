import base64
import stat
from pathlib import Path

import pytest

from infra.secrets.generate import SECRETS, generate, missing
from ml.core.names import DASK_CERTIFICATE, PUBLIC_KEYS, SIGNING_KEY
from ml.core.signing.keys import read_public_keys, read_signing_key


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_all_secrets_are_generated_once_and_never_overwritten(tmp_path: Path) -> None:
    assert generate(tmp_path) == [*SECRETS, PUBLIC_KEYS]
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
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes.pop(PUBLIC_KEYS) == 0o444
    assert set(modes.values()) == {0o400}


def test_all_secrets_differ_and_need_no_quoting_in_a_url(tmp_path: Path) -> None:
    generate(tmp_path)
    generated = contents(tmp_path)
    del generated[PUBLIC_KEYS]
    assert len(set(generated.values())) == len(SECRETS)
    del generated[DASK_CERTIFICATE]
    for name, text in generated.items():
        assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="), name


def test_the_fernet_key_is_32_bytes(tmp_path: Path) -> None:
    generate(tmp_path)
    assert len(base64.urlsafe_b64decode((tmp_path / "airflow_fernet_key").read_text())) == 32


def test_no_draft_remains(tmp_path: Path) -> None:
    generate(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*SECRETS, PUBLIC_KEYS}


def test_the_public_key_belongs_to_the_private_one(tmp_path: Path) -> None:
    generate(tmp_path)
    assert list(read_public_keys(tmp_path / PUBLIC_KEYS)) == [read_signing_key(tmp_path / SIGNING_KEY).id]


@pytest.mark.parametrize("lost", [SIGNING_KEY, PUBLIC_KEYS])
def test_a_lost_half_of_the_key_pair_is_made_again_and_former_public_keys_stay_valid(tmp_path: Path, lost: str) -> None:
    generate(tmp_path)
    former = read_signing_key(tmp_path / SIGNING_KEY).id
    (tmp_path / lost).unlink()
    assert generate(tmp_path) == ([SIGNING_KEY, PUBLIC_KEYS] if lost == SIGNING_KEY else [PUBLIC_KEYS])
    present = read_signing_key(tmp_path / SIGNING_KEY).id
    assert list(read_public_keys(tmp_path / PUBLIC_KEYS)) == list(dict.fromkeys([present, former]))
