"""One-shot of Compose: generates missing secrets, and copies secrets and configuration to the volumes of services.

Each audience has its own volume, so a service cannot read the secrets of another. Within it the files are readable by
every user, because the images run as different ones.
"""

import logging
import os
import shutil
import sys
from pathlib import Path

from infra.exposure import refusal
from infra.secrets.generate import SECRETS, SUPERUSERS, former_file, generate
from infra.secrets.join import write_server
from ml.core.errors import SettingsError
from ml.core.names import DASK_CERTIFICATE, PUBLIC_KEYS, SIGNING_KEY
from ml.core.secret_files import with_secret_files

ALL = Path("/secrets/all")
AUDIENCES = {
    "postgres": (
        "postgres_password",
        "airflow_db_password",
        "diabetes_db_password",
        "api_db_password",
        "postgres_monitor_password",
    ),
    "mlflow-postgres": ("mlflow_postgres_password", "mlflow_db_password", "mlflow_postgres_monitor_password"),
    "airflow": (
        "airflow_db_password",
        "diabetes_db_password",
        "airflow_fernet_key",
        "airflow_api_secret_key",
        "prediction_log_key",
        PUBLIC_KEYS,
    ),
    "airflow-signing": (SIGNING_KEY,),
    "airflow-tokens": ("airflow_jwt_secret",),
    "airflow-users": ("airflow_exporter_password", "airflow_interface_password"),
    "airflow-worker": ("diabetes_db_password", "prediction_log_key", PUBLIC_KEYS),
    "mlflow": ("mlflow_db_password",),
    "api": ("api_db_password", "prediction_log_key", PUBLIC_KEYS),
    "streamlit": ("airflow_interface_password",),
    "exporter": ("postgres_monitor_password", "airflow_exporter_password"),
    "postgres-exporter": ("postgres_monitor_password",),
    "backup": (*SECRETS, PUBLIC_KEYS),
    "mlflow-postgres-exporter": ("mlflow_postgres_monitor_password",),
    "gateway": ("gateway_password",),
    "valkey": ("valkey_password",),
    "dask": (DASK_CERTIFICATE,),
    "dask-worker": ("diabetes_db_password",),
}

CONFIGURATION = {
    "postgres": "postgres/roles",
    "postgres-server": "postgres/server",
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
    "grafana": "grafana",
    "gateway": "gateway",
    "haproxy": "haproxy",
}
"""Folder of ``infra`` by the volume that gets its files."""

log = logging.getLogger("secrets")


def main() -> None:
    """Generate and copy the secrets."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        reason = refusal(with_secret_files(os.environ))
    except SettingsError as error:
        reason = str(error)
    if reason:  # here, because every other service waits for this one
        sys.exit(reason)
    created = generate(ALL)
    if os.environ.get("JOIN_ADDRESS"):
        write_server(ALL, Path("/secrets/join"))
    log.info("Created: %s", ", ".join(created) or "none, all secrets exist")
    distribute()


def distribute() -> None:
    """Copy secrets and configuration to the volumes."""
    for audience, names in AUDIENCES.items():
        for name in names:
            copy(ALL / name, Path("/secrets", audience, name))
    for audience, name in zip(("postgres", "mlflow-postgres"), SUPERUSERS, strict=True):
        former, target = (former_file(folder, name) for folder in (ALL, Path("/secrets", audience)))
        copy(former, target) if former.exists() else target.unlink(missing_ok=True)
    for audience, folder in CONFIGURATION.items():
        mirror(Path(__file__).parents[1] / folder, Path("/configuration", audience))


def copy(secret: Path, target: Path) -> None:
    """Copy a secret atomically: a service that starts meanwhile reads the old or the new value."""
    draft = target.with_name(f".{target.name}.part")
    draft.write_text(secret.read_text())
    draft.chmod(0o444)
    draft.replace(target)


def mirror(source: Path, target: Path) -> None:
    """Copy a folder, and delete what an earlier copy had besides."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    for path in sorted(target.rglob("*"), reverse=True):  # files before their folders
        if not (source / path.relative_to(target)).exists():
            path.rmdir() if path.is_dir() else path.unlink()


if __name__ == "__main__":
    main()
