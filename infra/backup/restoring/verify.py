"""Verifies a backup: restores it into a PostgreSQL server of its own in a temporary folder, and compares everything."""

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from infra.backup import encryption
from infra.backup.bundles import check_answers
from infra.backup.create import dump_file
from infra.backup.manifest import BackupManifest
from infra.backup.restoring import checks
from infra.backup.restoring.databases import restore_database
from infra.backup.settings import Database, Server
from infra.backup.status import VERIFIED, update_status
from infra.local.postgres.cluster import PostgresServer, running
from infra.local.supervision.probes import free_port

Report = Callable[[str], None]
FORGETFUL: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""The restored databases are deleted at the end."""


def verify_backup(folder: Path, passphrase: str, state: Path, report: Report) -> BackupManifest:
    """Restore a backup into a throwaway place and check it as a restore does; nothing of the platform is touched.

    Raises:
        BackupError: the backup cannot be restored.
    """
    backup, manifest = checks.open_backup(folder)
    report(f"{backup}: release {manifest.release}, {len(manifest.files):,} intact files")
    if manifest.secrets and passphrase:
        found = encryption.decrypt((backup / encryption.SECRETS_FILE).read_bytes(), passphrase, manifest.id)
        report(f"{len(found)} secrets can be decrypted")
    state.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="verify-", dir=state))
    place.chmod(0o711)  # PostgreSQL's account needs access, where this process is root
    try:
        server = PostgresServer(place / "data", free_port(), secrets.token_urlsafe(16), options=FORGETFUL)
        with running(server, place / "postgres.log"):
            _restore_databases(backup, manifest, server, report)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if manifest.production:
        report(check_answers(backup / manifest.production.bundle, manifest.production))
    update_status(state, **{VERIFIED: time.time()})
    return manifest


def _restore_databases(backup: Path, manifest: BackupManifest, server: PostgresServer, report: Report) -> None:
    login = Server(server.host, server.port, server.superuser_password)
    for key, entry in manifest.databases.items():
        database = Database(key, key, owner=f"{key}_owner", server=login)
        # The server is PostgreSQL 18, so the dump of any server that the platform runs on can be restored.
        restore_database(database, key, backup / dump_file(key), entry, report)
