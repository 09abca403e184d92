"""A backup that must not be restored is refused with the reason, and the present state is as before."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.backup.errors import BackupError
from infra.backup.manifest import BackupManifest
from infra.backup.restoring.restore import restore_backup
from infra.secrets.generate import generate
from ml.core.names import PUBLIC_KEYS
from tests.integration.infra.backup.conftest import PASSPHRASE, UsedPlatform

Change = Callable[[Path], None]


def truncated_dump(copy: Path) -> None:
    dump = copy / "databases" / "diabetes.dump"
    dump.write_bytes(dump.read_bytes()[:-100])


def corrupted_artifact(copy: Path) -> None:
    model = next(copy.rglob("model.onnx"))
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)


def truncated_manifest(copy: Path) -> None:
    manifest = copy / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:-9])


def other_answers(copy: Path) -> None:
    manifest = BackupManifest.read(copy)
    assert manifest.production is not None
    answers = tuple("0x1.8p-1" for _ in manifest.production.answers)
    manifest.model_copy(update={"production": manifest.production.model_copy(update={"answers": answers})}).write(copy)


def emptied_folder(copy: Path) -> None:
    shutil.rmtree(copy)
    copy.mkdir()


def changed_manifest(**fields: object) -> Change:
    def change(copy: Path) -> None:
        BackupManifest.read(copy).model_copy(update=fields).write(copy)

    return change


def changed_database(key: str, **fields: object) -> Change:
    def change(copy: Path) -> None:
        manifest = BackupManifest.read(copy)
        databases = manifest.databases | {key: manifest.databases[key].model_copy(update=fields)}
        manifest.model_copy(update={"databases": databases}).write(copy)

    return change


def without_rows(copy: Path) -> None:
    manifest = BackupManifest.read(copy)
    empty = {
        key: entry.model_copy(update={"counts": dict.fromkeys(entry.counts, 0)})
        for key, entry in manifest.databases.items()
    }
    manifest.model_copy(update={"databases": empty}).write(copy)


def delete(name: str) -> Change:
    return lambda copy: next(copy.rglob(name)).unlink()


def write(name: str, content: bytes) -> Change:
    def change(copy: Path) -> None:
        (copy / name).write_bytes(content)

    return change


REFUSED: dict[str, tuple[Change, str]] = {
    "a truncated dump": (truncated_dump, r"damaged: databases/diabetes.dump has [\d,]+ bytes instead of"),
    "a changed bit in the model": (corrupted_artifact, r"damaged: artifacts/.*model.onnx does not match its checksum"),
    "a missing file": (delete("golden.json"), r"damaged: artifacts/.*golden.json is missing"),
    "an empty manifest": (write("manifest.json", b""), "is empty"),
    "a truncated manifest": (truncated_manifest, "damaged"),
    "no manifest": (delete("manifest.json"), "not a complete backup"),
    "no checksum of the manifest": (delete("manifest.sha256"), "not a complete backup"),
    "an empty folder": (emptied_folder, "no complete backup"),
    "no folder": (shutil.rmtree, "There is no folder"),
    "a platform without data": (without_rows, "is empty: it has no data"),
    "a newer release": (changed_manifest(release="99.0.0"), "newer release 99.0.0"),
    "newer tables": (changed_database("diabetes", revision="9999"), "diabetes has the revision 9999"),
    "newer tables of MLflow": (changed_database("mlflowdb", revision="ffff"), "mlflowdb has the revision ffff"),
    "newer tables of Airflow": (changed_database("airflow", revision="ffff"), "airflow has the revision ffff"),
    "a newer PostgreSQL": (changed_database("mlflowdb", server_version=990001), "is of PostgreSQL 99"),
    "a newer format": (changed_manifest(format=99), "newer format"),
    "other row counts": (changed_database("diabetes", counts={"public.raw_data": 7}), r"instead of"),
    "other answers": (other_answers, "answers differently"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_backup_is_refused_and_changes_nothing(
    name: str, used: UsedPlatform, backup: Path, tmp_path: Path
) -> None:
    change, reason = REFUSED[name]
    copy = tmp_path / backup.name
    shutil.copytree(backup, copy)
    change(copy)
    before, databases = used.content(), used.databases()

    with pytest.raises(BackupError, match=reason):
        restore_backup(used.platform, copy, PASSPHRASE, print, lambda: None)

    assert used.content() == before
    assert used.databases() == databases


def test_a_wrong_passphrase_is_refused(used: UsedPlatform, backup: Path) -> None:
    with pytest.raises(BackupError, match="BACKUP_PASSPHRASE is not the one"):
        restore_backup(used.platform, backup, "wrong", print, lambda: None)


def replaced(secret: Path, content: str) -> None:
    """Secrets are read-only files."""
    secret.unlink()
    secret.write_text(content)


def test_without_the_passphrase_a_backup_of_other_secrets_is_refused(used: UsedPlatform, backup: Path) -> None:
    key = used.platform.secrets / "airflow_fernet_key"
    original = key.read_text()
    replaced(key, "of another platform")
    try:
        with pytest.raises(BackupError, match="another airflow_fernet_key than this platform has: set"):
            restore_backup(used.platform, backup, "", print, lambda: None)
    finally:
        replaced(key, original)


def test_a_backup_of_another_platform_is_refused(used: UsedPlatform, backup: Path, tmp_path: Path) -> None:
    keys = used.platform.secrets / PUBLIC_KEYS
    original = keys.read_text()
    generate(tmp_path / "of_another_platform")
    replaced(keys, (tmp_path / "of_another_platform" / PUBLIC_KEYS).read_text())
    try:
        with pytest.raises(BackupError, match="of another platform: its signing key differs"):
            restore_backup(used.platform, backup, PASSPHRASE, print, lambda: None)
    finally:
        replaced(keys, original)


def test_services_that_cannot_be_stopped_leave_the_present_state(used: UsedPlatform, backup: Path) -> None:
    def fail() -> None:
        raise BackupError("The services do not stop.")

    before, databases = used.content(), used.databases()
    with pytest.raises(BackupError, match="do not stop"):
        restore_backup(used.platform, backup, PASSPHRASE, print, fail)
    assert (used.content(), used.databases()) == (before, databases)
