"""Restores a backup: checks, a complete copy beside the present state, comparison with the manifest, exchange."""

from collections.abc import Callable
from pathlib import Path

from infra.backup import encryption
from infra.backup.artifacts import FOLDER, copy_tree
from infra.backup.bundles import check_answers
from infra.backup.create import GRAFANA_FILE, dump_file
from infra.backup.errors import BackupError
from infra.backup.files import adopt_owner, locked
from infra.backup.manifest import BackupManifest, FileEntry, sha256_of
from infra.backup.restoring import checks, databases, swap
from infra.backup.settings import Platform
from ml.core.names import PUBLIC_KEYS

Report = Callable[[str], None]


def restore_backup(
    platform: Platform,
    folder: Path,
    passphrase: str,
    report: Report,
    stop_services: Callable[[], None],
    replace: bool = False,
) -> None:
    """Replace the platform's state by that of a backup. `stop_services` is called when the copy is checked.

    Raises:
        BackupError: with the reason; the present state is unchanged.
    """
    with locked(platform.state, "restore"):
        if finished := swap.resume(platform):
            report(f"The interrupted restore of {finished} is finished")
            if Path(finished).resolve() == folder.resolve() or Path(finished).resolve().parent == folder.resolve():
                return
        backup, manifest = checks.open_backup(folder)
        report(f"{backup}: release {manifest.release}, {len(manifest.files):,} intact files")
        checks.check_servers(manifest, platform)
        present = encryption.read_secrets(platform.secrets, platform.airflow_logins)
        secrets = checks.open_secrets(backup, manifest, passphrase, present)
        if not replace:
            checks.check_identity(manifest, platform, present, present.get(PUBLIC_KEYS))
        swap.write_journal(platform.state, swap.Journal(str(backup), "preparing"))
        try:
            _prepare(platform, backup, manifest, secrets, report)
            stop_services()
            swap.swap(platform, str(backup))
        except (BackupError, OSError) as error:
            journal = swap.read_journal(platform.state)
            if journal is not None and journal.phase == "preparing":
                swap.discard(platform)
                if isinstance(error, OSError):
                    reason = f"{error.strerror} ({error.filename})"
                    raise BackupError(f"The restore failed and changed nothing: {reason}.") from error
            elif isinstance(error, OSError):
                raise BackupError(f"The restore is not complete ({error}): run the same command again.") from error
            raise
    report(f"Restored: the state of {manifest.started_at:%Y-%m-%d %H:%M:%S} UTC")


def _prepare(
    platform: Platform, backup: Path, manifest: BackupManifest, secrets: dict[str, str], report: Report
) -> None:
    """Restore everything beside the present state, and compare it with the manifest."""
    for database in platform.databases:
        name, archive = database.name + databases.RESTORED, backup / dump_file(database.key)
        databases.restore_database(database, name, archive, manifest.databases[database.key], report)
    _stage_artifacts(platform, backup, manifest)
    report(f"Artifacts: {sum(name.startswith(f'{FOLDER}/') for name in manifest.files):,} files with their checksums")
    if manifest.production:
        folder = platform.artifacts / swap.STAGE / "new" / manifest.production.bundle.removeprefix(f"{FOLDER}/")
        report(check_answers(folder, manifest.production))
    if (backup / GRAFANA_FILE).exists():
        _stage(platform.grafana, (backup / GRAFANA_FILE).read_bytes(), 0o660)
    for name, value in secrets.items():
        if name == encryption.LOGINS:
            _stage(platform.airflow_logins, value.encode(), 0o660)
        elif name not in encryption.OWN_PASSWORDS:
            _stage(platform.secrets / Path(name).name, value.encode(), 0o400)


def _stage_artifacts(platform: Platform, backup: Path, manifest: BackupManifest) -> None:
    stage = platform.artifacts / swap.STAGE / "new"
    copy_tree(backup / FOLDER, stage)
    for path in (stage, *stage.rglob("*")):
        path.chmod(0o2775 if path.is_dir() else 0o664)  # another user of the group writes them in Compose
    adopt_owner(stage, platform.artifacts)
    expected = {
        name.removeprefix(f"{FOLDER}/"): entry
        for name, entry in manifest.files.items()
        if name.startswith(f"{FOLDER}/")
    }
    _compare(stage, expected)


def _compare(stage: Path, expected: dict[str, FileEntry]) -> None:
    for name, entry in expected.items():
        if sha256_of(stage / name) != entry.sha256:
            raise BackupError(f"The restored file {name} does not match its checksum: the disk may be damaged.")


def _stage(target: Path, content: bytes, mode: int) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = swap.staged(target)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)
    path.chmod(mode)
    if target.exists():
        adopt_owner(path, target)
