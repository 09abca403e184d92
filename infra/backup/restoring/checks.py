"""Reasons not to restore a backup, found before anything is changed."""

import re
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Final, cast

from infra.backup import encryption
from infra.backup.errors import BackupError
from infra.backup.manifest import BackupManifest, damaged_files, find_backup, version_key
from infra.backup.postgres import connect, release_of, revision_of, rows
from infra.backup.settings import LEDGER_DATABASE, REGISTRY_DATABASE, Platform
from ml.core.build import release
from ml.core.release import newer_tables

_MIGRATIONS: Final = {
    LEDGER_DATABASE: ("ml", "migrations/versions"),
    REGISTRY_DATABASE: ("mlflow", "store/db_migrations/versions"),
    "airflow": ("airflow", "migrations/versions"),
}
"""Package, and the folder in it with the migrations of a database."""
_REVISION: Final = re.compile(r"^revision(?:: \w+)? = \"(\w+)\"", re.M)
_CONTENT: Final = {
    LEDGER_DATABASE: ("public.raw_data", "public.ingestions", "public.predictions"),
    REGISTRY_DATABASE: ("public.model_versions", "public.runs"),
}
"""Tables of which at least one has rows in every platform that was used."""
_WRITERS: Final = "SELECT DISTINCT usename FROM pg_stat_activity WHERE usename = ANY(%s) ORDER BY 1"


def open_backup(folder: Path) -> tuple[Path, BackupManifest]:
    """Find a backup and check that it is complete, intact, not empty, and readable by this release.

    Raises:
        BackupError: with the first reason against it.
    """
    backup = find_backup(folder)
    manifest = BackupManifest.read(backup)
    check_release(manifest)
    if damaged := next(damaged_files(backup, manifest), None):
        raise BackupError(f"The backup {backup} is damaged: {damaged}.")
    if not any(manifest.databases[key].counts.get(table) for key, tables in _CONTENT.items() for table in tables):
        raise BackupError(f"The backup {backup} is empty: it has no data, no run and no model version.")
    return backup, manifest


def check_release(manifest: BackupManifest) -> None:
    """Refuse a backup of a newer release, whose tables this one does not know.

    Raises:
        BackupError: the backup is of a newer release.
    """
    if version_key(manifest.release) > version_key(release()):
        raise BackupError(
            f"The backup is of the newer release {manifest.release}, and this is {release()}: "
            "update the platform first."
        )
    for key, entry in manifest.databases.items():
        if unknown := _unknown_revision(key, entry.revision):
            raise BackupError(
                f"The backup is of a newer release: its database {key} has the revision {unknown}, which release "
                f"{release()} does not know. Update the platform first."
            )


def check_tables(platform: Platform) -> None:
    """Refuse to run on tables that a newer release migrated.

    Raises:
        BackupError: naming the database and that release.
    """
    for database in platform.databases:
        with connect(database.server, database.name) as connection:
            unknown = _unknown_revision(database.key, revision_of(connection))
        if unknown:
            ledger = platform.database(LEDGER_DATABASE)
            with connect(ledger.server, ledger.name) as connection:
                raise BackupError(newer_tables(database.name, unknown, release_of(connection)))


def _unknown_revision(key: str, revision: str | None) -> str | None:
    """The revision, if this release has no such migration. The files are read, since importing them takes seconds."""
    package, folder = _MIGRATIONS[key]
    files = (Path(str(cast("ModuleSpec", find_spec(package)).origin)).parent / folder).glob("*.py")
    known = {found for file in files for found in _REVISION.findall(file.read_text())}
    return None if revision is None or {*revision.split(",")} <= known else revision


def check_servers(manifest: BackupManifest, platform: Platform) -> None:
    """Refuse dumps of a later PostgreSQL than the server's.

    Raises:
        BackupError: naming both versions.
    """
    for database in platform.databases:
        with connect(database.server) as connection:
            ((version,),) = rows(connection, "SELECT current_setting('server_version_num')::int")
        dumped = manifest.databases[database.key].server_version
        if dumped // 10_000 > version // 10_000:
            raise BackupError(
                f"The backup is of PostgreSQL {dumped // 10_000}, and the server of this platform is PostgreSQL "
                f"{version // 10_000}, which does not read it: restore it into the native stack (make restore)."
            )


def open_secrets(backup: Path, manifest: BackupManifest, passphrase: str, present: Mapping[str, str]) -> dict[str, str]:
    """The secrets of the backup, or none where the present ones are the same.

    Raises:
        BackupError: a wrong passphrase, or the data need secrets that neither the backup nor the platform has.
    """
    if manifest.secrets and passphrase:
        content = (backup / encryption.SECRETS_FILE).read_bytes()
        secrets = encryption.decrypt(content, passphrase, manifest.id)
        if encryption.fingerprints(secrets) != manifest.fingerprints:
            raise BackupError("The secrets in the backup are not those of its manifest.")
        return secrets
    own = encryption.fingerprints(present)
    if missing := next((name for name, value in manifest.fingerprints.items() if own.get(name) != value), None):
        remedy = (
            "set BACKUP_PASSPHRASE to the passphrase with which it was made"
            if manifest.secrets
            else f"copy the original files into the folder of secrets, {missing} and the others"
        )
        raise BackupError(f"The backup was made with another {missing} than this platform has: {remedy}.")
    return {}


def check_identity(
    manifest: BackupManifest, platform: Platform, present: Mapping[str, str], public_key: str | None
) -> None:
    """Refuse to replace a platform that has decisions of its own by another one.

    Raises:
        BackupError: the platform's key is another one than that of the backup.
    """
    if manifest.signing_public_key and public_key:
        same, key = bool({*manifest.signing_public_key.split()} & {*public_key.split()}), "signing key"
    else:
        name = "airflow_fernet_key"
        same, key = manifest.fingerprints.get(name) == encryption.fingerprints(present).get(name), name
    if not same and _has_decisions(platform):
        raise BackupError(
            f"The backup is of another platform: its {key} differs, and this platform has decisions of its own. "
            "To replace it none the less, add REPLACE=1 (Compose: --replace)."
        )


def _has_decisions(platform: Platform) -> bool:
    database = platform.database(LEDGER_DATABASE)
    with connect(database.server) as connection:
        if not rows(connection, "SELECT FROM pg_database WHERE datname = %s", database.name):
            return False
    with connect(database.server, database.name) as connection:
        if rows(connection, "SELECT to_regclass('gate_decisions')") == [(None,)]:
            return False
        return bool(rows(connection, "SELECT FROM gate_decisions LIMIT 1"))


def check_idle(platform: Platform) -> None:
    """Refuse while services use the databases; in Compose nothing here can stop them.

    Raises:
        BackupError: with the command that stops them.
    """
    for server in dict.fromkeys(database.server for database in platform.databases):
        owners = [database.owner for database in platform.databases if database.server == server]
        with connect(server) as connection:
            writers = [name for (name,) in rows(connection, _WRITERS, owners)]
        if writers:
            raise BackupError(
                f"The stack is running ({', '.join(writers)} use the databases): stop it with 'docker compose stop', "
                "run this again, and then 'docker compose up -d'."
            )
