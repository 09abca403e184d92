"""Backups share unchanged artifacts, thin out, do not trust what they link to, and need an intact production model."""

import shutil
from pathlib import Path

import pytest

from infra.backup.create import create_backup
from infra.backup.errors import BackupError
from infra.backup.manifest import BackupManifest, backups_in, damaged_files
from infra.backup.restoring.verify import verify_backup
from infra.backup.status import FAILED, SUCCESS, VERIFIED, read_status
from ml.core.names import PUBLIC_KEYS
from tests.integration.infra.backup.conftest import PASSPHRASE, UsedPlatform


def make(used: UsedPlatform, folder: Path, keep: int = 7, passphrase: str = PASSPHRASE) -> Path:
    return create_backup(used.platform, folder, keep, passphrase, print)


def test_an_unchanged_artifact_is_stored_once_and_each_backup_stands_alone(used: UsedPlatform, tmp_path: Path) -> None:
    first, second = make(used, tmp_path), make(used, tmp_path)
    models = [next(backup.rglob("model.onnx")) for backup in (first, second)]
    assert models[0].stat().st_ino == models[1].stat().st_ino

    shutil.rmtree(first)
    assert list(damaged_files(second, BackupManifest.read(second))) == []


def test_a_file_that_decayed_in_the_backup_before_is_copied_anew(used: UsedPlatform, tmp_path: Path) -> None:
    first = make(used, tmp_path)
    model = next(first.rglob("model.onnx"))
    model.write_bytes(bytes(model.stat().st_size))

    second = make(used, tmp_path)

    assert list(damaged_files(second, BackupManifest.read(second))) == []
    assert list(damaged_files(first, BackupManifest.read(first)))


def test_only_the_newest_are_kept_and_nothing_else_is_deleted(used: UsedPlatform, tmp_path: Path) -> None:
    (tmp_path / "of-somebody-else").mkdir()
    (tmp_path / ".partial-20200101T000000Z").mkdir()
    made = [make(used, tmp_path, keep=2) for _ in range(3)]

    assert backups_in(tmp_path) == made[1:]
    assert {path.name for path in tmp_path.iterdir()} == {
        ".lock",
        "of-somebody-else",
        *(path.name for path in made[1:]),
    }


def test_a_damaged_production_model_ends_the_backup_without_a_trace(used: UsedPlatform, tmp_path: Path) -> None:
    model = next(used.platform.artifacts.rglob("model.onnx"))
    original, status = model.read_bytes(), read_status(used.platform.state)
    model.write_bytes(b"damaged")
    try:
        with pytest.raises(BackupError, match="The bundle of the production version 1 is damaged"):
            make(used, tmp_path)
    finally:
        model.write_bytes(original)
    assert backups_in(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    assert read_status(used.platform.state)[FAILED] == 1
    assert read_status(used.platform.state).get(SUCCESS) == status.get(SUCCESS)


def test_without_a_passphrase_no_secret_is_in_any_file(used: UsedPlatform, tmp_path: Path) -> None:
    said: list[str] = []
    backup = create_backup(used.platform, tmp_path, 7, "", said.append)
    assert any("LEFT OUT" in line for line in said)
    contents = [path.read_bytes() for path in backup.rglob("*") if path.is_file()]
    for name, secret in used.content()["secrets"].items():
        assert name == PUBLIC_KEYS or not any(secret.strip().encode() in content for content in contents)


def test_a_verification_restores_the_newest_backup_elsewhere(used: UsedPlatform, tmp_path: Path) -> None:
    make(used, tmp_path)
    before, databases, said = used.content(), used.databases(), list[str]()

    verify_backup(tmp_path, PASSPHRASE, used.platform.state, said.append)

    assert (used.content(), used.databases()) == (before, databases)
    assert any("stored requests are answered bit for bit" in line for line in said)
    assert VERIFIED in read_status(used.platform.state)
    assert [path for path in used.platform.state.iterdir() if path.name.startswith("verify-")] == []
