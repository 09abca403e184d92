"""Settings of the native stack, and the directories and files it uses."""

import hashlib
import os
import sys
from pathlib import Path

from pydantic import Field, SecretStr

from infra.backup.settings import ArchiveSettings, TimeOfDay
from infra.local.errors import StackError
from ml.core.settings import OptionalPath, Port, PublicAddresses

ROOT = Path(__file__).resolve().parents[2]

LONGEST_SOCKET_PATH = 90
"""A Unix socket's path has at most 108 characters, and supervisord first binds to a longer temporary path."""


class StackSettings(PublicAddresses, ArchiveSettings):
    """Addresses, ports, logins and limits of the native stack."""

    bind_address: str = "127.0.0.1"
    mlflow_allowed_hosts: str = ""
    local_dir: Path = Path(".local")
    mlflow_artifacts_dir: Path = Path("mlruns")
    data_file: OptionalPath = None

    postgres_port: Port = 5432
    mlflow_postgres_port: Port = 5433
    api_workers: int = Field(default=1, ge=1)
    exporter_port: Port = 9105
    postgres_exporter_port: Port = 9187
    mlflow_postgres_exporter_port: Port = 9188
    node_exporter_port: Port = 9100

    airflow_user: str = Field(default="airflow", pattern=r"^[\w.@-]+$")
    airflow_password: SecretStr = SecretStr("airflow")
    airflow_parallelism: int = Field(default=2, ge=1, le=32)
    grafana_user: str = "admin"
    grafana_password: SecretStr = SecretStr("admin")

    diabetes_db_name: str = "diabetes"
    diabetes_db_user: str = "diabetes"

    backup_at: TimeOfDay = ""

    min_memory_gb: float = Field(default=4, ge=0)
    min_disk_gb: float = Field(default=5, ge=0)

    @property
    def host(self) -> str:
        """Host by which the programs of the stack connect to each other."""
        return "127.0.0.1" if self.bind_address == "0.0.0.0" else self.bind_address  # noqa: S104 - compared, not bound

    @property
    def paths(self) -> "StackPaths":
        """The directories and files of this stack."""
        return StackPaths((ROOT / self.local_dir).resolve())

    def url(self, port: int) -> str:
        """URL of a service for the other programs of the stack."""
        return f"http://{self.host}:{port}"


class StackPaths:
    """The directories and files below ``LOCAL_DIR``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.run = home / "run"
        self.logs = home / "logs"
        self.secrets = Path(os.environ.get("SECRETS_DIR") or home / "secrets").resolve()
        self.airflow = home / "airflow"
        self.data = home / "data"
        self.model_cache = home / "model-cache"
        self.postgres = home / "postgres"
        self.prometheus = home / "prometheus"
        self.alertmanager = home / "alertmanager"
        self.grafana = home / "grafana"
        self.backup_state = home / "backup"
        self.supervisor_config = home / "supervisord.conf"

    def create(self) -> None:
        """Create the directories; PostgreSQL's account needs access to the first."""
        self.home.mkdir(mode=0o755, parents=True, exist_ok=True)
        for folder in (self.run, self.airflow, self.data, self.model_cache):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        self.postgres.mkdir(mode=0o755, exist_ok=True)

    def read_secret(self, name: str) -> str:
        """Read one secret.

        Raises:
            StackError: the secret does not exist.
        """
        try:
            return (self.secrets / name).read_text().strip()
        except FileNotFoundError:
            raise StackError(f"Secret {name} is missing: make up creates it, or reports how to restore it.") from None

    @property
    def socket(self) -> Path:
        """Path of supervisord's socket: in the run directory, or in a private one in /tmp if that path is too long."""
        path = self.run / "supervisor.sock"
        if len(str(path)) <= LONGEST_SOCKET_PATH:
            return path
        digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        folder = Path(f"/tmp/readmission-{os.geteuid()}-{digest}")  # noqa: S108 - ownership and mode are checked below
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise StackError(f"{folder} belongs to another user or is open to others: remove it and try again.")
        return folder / "supervisor.sock"


def python_module(name: str, *arguments: str) -> list[str]:
    """Command line of a Python module of this environment."""
    return [sys.executable, "-m", name, *arguments]
