"""Settings of backup and restore, and what of the platform they contain.

Docker Compose mounts its volumes so that the paths below ``LOCAL_DIR`` are those of the native stack.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr

from ml.core.settings import OptionalPath, PlatformSettings, Port

ROOT = Path(__file__).resolve().parents[2]

LEDGER_DATABASE = "diabetes"
REGISTRY_DATABASE = "mlflowdb"
SERVER_NAMES = ("postgres", "mlflow-postgres")

TimeOfDay = Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")]


def _empty_is_default(value: object) -> object:
    """The path that an empty variable means: Compose passes unset ones as empty."""
    return "backups" if value == "" else value


class ScheduleSettings(PlatformSettings):
    """Where the status of backups is, and whether they are scheduled."""

    local_dir: Path = Path(".local")
    backup_at: TimeOfDay = ""

    @property
    def state_folder(self) -> Path:
        """Folder of the status and of the journal of a restore."""
        return (ROOT / self.local_dir / "backup").resolve()


class ArchiveSettings(PlatformSettings):
    """Whether the servers archive their WAL."""

    wal_archive_dir: OptionalPath = None

    @property
    def wal_archive(self) -> Path | None:
        """Folder of the archived WAL, absolute; None: the servers do not archive it."""
        return (ROOT / self.wal_archive_dir).resolve() if self.wal_archive_dir else None


class BackupSettings(ScheduleSettings, ArchiveSettings):
    """Servers, folders and options of backup and restore."""

    backup_dir: Annotated[Path, BeforeValidator(_empty_is_default)] = Path("backups")
    backup_keep: int = Field(default=7, ge=1)
    backup_passphrase: SecretStr = SecretStr("")
    mlflow_artifacts_dir: Path = Path("mlruns")
    postgres_host: str = "127.0.0.1"
    postgres_port: Port = 5432
    postgres_password: SecretStr = SecretStr("")
    mlflow_postgres_host: str = "127.0.0.1"
    mlflow_postgres_port: Port = 5433
    mlflow_postgres_password: SecretStr = SecretStr("")
    diabetes_db_name: str = "diabetes"
    diabetes_db_user: str = "diabetes"

    @property
    def backup_folder(self) -> Path:
        """Folder of the backups, absolute."""
        return (ROOT / self.backup_dir).resolve()


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server with the login of its superuser."""

    host: str
    port: int
    password: str = field(repr=False)


@dataclass(frozen=True)
class Database:
    """One database: the name that backups use, its name on the server, and its owner."""

    key: str
    name: str
    owner: str
    server: Server


@dataclass(frozen=True)
class Archive:
    """Where the archived WAL is, and the folder of the backups that have base backups for it."""

    wal: Path
    backups: Path


@dataclass(frozen=True)
class Platform:
    """Everything that a backup contains and a restore replaces."""

    databases: tuple[Database, ...]
    artifacts: Path
    grafana: Path
    """File of Grafana's state."""
    airflow_logins: Path
    secrets: Path
    model_cache: Path
    state: Path
    archive: Archive | None = None

    @property
    def servers(self) -> dict[str, Server]:
        """The PostgreSQL servers that hold the databases, by name."""
        return dict(zip(SERVER_NAMES, dict.fromkeys(each.server for each in self.databases), strict=False))

    def database(self, key: str) -> Database:
        """The database of this key."""
        return next(database for database in self.databases if database.key == key)


def platform_of(settings: BackupSettings, secrets: Path) -> Platform:
    """The platform that the settings describe; `secrets` is the folder with one file per secret."""
    home = (ROOT / settings.local_dir).resolve()
    main = Server(settings.postgres_host, settings.postgres_port, settings.postgres_password.get_secret_value())
    mlflow = Server(
        settings.mlflow_postgres_host,
        settings.mlflow_postgres_port,
        settings.mlflow_postgres_password.get_secret_value(),
    )
    return Platform(
        databases=(
            Database(LEDGER_DATABASE, settings.diabetes_db_name, settings.diabetes_db_user, main),
            Database(REGISTRY_DATABASE, "mlflowdb", "mlflow", mlflow),
            Database("airflow", "airflow", "airflow", main),
        ),
        artifacts=(ROOT / settings.mlflow_artifacts_dir).resolve(),
        grafana=home / "grafana" / "grafana.db",
        airflow_logins=home / "airflow" / "passwords.json",
        secrets=secrets,
        model_cache=home / "model-cache",
        state=settings.state_folder,
        archive=Archive(settings.wal_archive, settings.backup_folder) if settings.wal_archive else None,
    )
