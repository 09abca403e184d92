"""The manifest of a backup: release, schema revisions, row counts, and the checksum of every file."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from infra.backup.errors import BackupError

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
CHECKSUM: Final = "manifest.sha256"
ID_FORMAT: Final = "%Y%m%dT%H%M%SZ"


class FileEntry(BaseModel, frozen=True):
    """One file of a backup."""

    size: int
    sha256: str
    mtime_ns: int = 0
    """Modification time of the original: an unchanged file is linked to the backup before."""


class DatabaseEntry(BaseModel, frozen=True):
    """One dumped database, as seen in the snapshot of its dump."""

    server_version: int
    """``server_version_num`` of PostgreSQL: 150004, 180000."""
    revision: str | None
    counts: dict[str, int]
    """Rows by table, with its schema."""
    grants: tuple[tuple[str, str], ...] = ()
    """Role and privilege on the database itself, which a dump of one database leaves out."""
    roles: tuple[str, ...] = ()
    """Roles of the server, which own objects or have rights to them."""


class BaseEntry(BaseModel, frozen=True):
    """The base backup of one server."""

    server_version: int
    cluster: str
    """Identifier of the database cluster, whose WAL no other cluster can replay."""
    first_wal: str
    """Name of the first WAL file that is needed to replay it."""
    finished_at: datetime
    """The earliest time to which it can be replayed."""


class ProductionEntry(BaseModel, frozen=True):
    """The production version, and its answers to stored requests."""

    version: str
    bundle: str
    """Path of the bundle's folder below ``artifacts``."""
    answers: tuple[str, ...]
    """Predictions of the golden requests, as hexadecimal floats."""


class BackupManifest(BaseModel, frozen=True):
    """Content of ``manifest.json``."""

    format: int = FORMAT
    id: str
    started_at: datetime
    finished_at: datetime
    release: str
    commit: str
    """Of the code that last migrated the tables, which is not always the code that makes the backup."""
    databases: dict[str, DatabaseEntry]
    bases: dict[str, BaseEntry] = {}
    """By name of the server; none where WAL is not archived."""
    production: ProductionEntry | None
    secrets: bool
    """Whether the encrypted secrets are included."""
    fingerprints: dict[str, str]
    """Fingerprint by secret; the secrets are random and too long to be guessed from it."""
    signing_public_key: str | None
    """Public keys that the platform trusts, as its file of keys has them."""
    files: dict[str, FileEntry] = Field(repr=False)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files.values())

    def write(self, folder: Path) -> None:
        """Write the manifest and its checksum, which ``sha256sum -c`` can check."""
        text = self.model_dump_json(indent=1)
        (folder / MANIFEST).write_text(text)
        (folder / CHECKSUM).write_text(f"{hashlib.sha256(text.encode()).hexdigest()}  {MANIFEST}\n")

    @classmethod
    def read(cls, folder: Path) -> "BackupManifest":
        """Read and check the manifest.

        Raises:
            BackupError: the folder is not a backup, or the manifest is damaged or of a later format.
        """
        try:
            text = (folder / MANIFEST).read_bytes()
            expected = (folder / CHECKSUM).read_text().split()
        except OSError as error:
            raise BackupError(
                f"{folder} is not a complete backup: {error.strerror}: {Path(error.filename).name}."
            ) from None
        if not text:
            raise BackupError(f"The backup {folder} is empty: its manifest has no content.")
        if expected[:1] != [hashlib.sha256(text).hexdigest()]:
            raise BackupError(f"The backup {folder} is damaged: {MANIFEST} does not match its checksum.")
        try:
            manifest = cls.model_validate_json(text)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            place = ".".join(map(str, fault["loc"]))
            raise BackupError(f"The manifest of {folder} cannot be read: {place}: {fault['msg']}.") from None
        if manifest.format > FORMAT:
            raise BackupError(
                f"The backup {folder} has a newer format than this release reads: update the platform first."
            )
        return manifest


def backups_in(folder: Path) -> list[Path]:
    """Complete backups in a folder, the oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{CHECKSUM}") if _is_backup_name(path.parent.name))


def find_backup(folder: Path) -> Path:
    """The folder itself if it is a backup, else the newest backup in it.

    Raises:
        BackupError: there is none.
    """
    if not folder.is_dir():
        raise BackupError(f"There is no folder {folder}.")
    if (folder / MANIFEST).exists() or (folder / CHECKSUM).exists() or (folder / "databases").exists():
        return folder
    backups = backups_in(folder)
    if not backups:
        raise BackupError(
            f"{folder} has no complete backup in it: make one with make backup (Compose: the service backup)."
        )
    return backups[-1]


def _is_backup_name(name: str) -> bool:
    try:
        datetime.strptime(name, ID_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return False
    return True


def damaged_files(folder: Path, manifest: BackupManifest) -> Iterator[str]:
    """Reasons why files of a backup are not those of its manifest."""
    for name, entry in manifest.files.items():
        path = folder / name
        if not path.is_file():
            yield f"{name} is missing"
        elif (size := path.stat().st_size) != entry.size:
            yield f"{name} has {size:,} bytes instead of {entry.size:,}"
        elif sha256_of(path) != entry.sha256:
            yield f"{name} does not match its checksum"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def version_key(version: str) -> tuple[int, ...]:
    """Order of versions such as 0.2.0."""
    return tuple(int(part) for part in version.split("+")[0].split(".") if part.isdecimal())
