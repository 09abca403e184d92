"""One-shot of the compose project: generate the secrets that are missing, and hand each service its own.

Each audience has a volume of its own, so that a service can read no secret it does not need. The files are
readable by every user *inside* the containers that mount that volume (the images run as different ones).
"""

import logging
import subprocess
import sys
from pathlib import Path

GENERATE = Path("/opt/secrets/generate.py")
ALL = Path("/secrets/all")
AUDIENCES = {
    "postgres": ("postgres_password", "airflow_db_password", "diabetes_db_password", "postgres_monitor_password"),
    "mlflow-postgres": ("mlflow_postgres_password", "mlflow_db_password", "mlflow_postgres_monitor_password"),
    "airflow": (
        "airflow_db_password",
        "diabetes_db_password",
        "airflow_fernet_key",
        "airflow_api_secret_key",
        "prediction_log_key",
    ),
    "airflow-tokens": ("airflow_jwt_secret",),
    "mlflow": ("mlflow_db_password",),
    "api": ("diabetes_db_password", "prediction_log_key"),
    "exporter": ("postgres_monitor_password",),
    "postgres-exporter": ("postgres_monitor_password",),
    "mlflow-postgres-exporter": ("mlflow_postgres_monitor_password",),
}

log = logging.getLogger("secrets")


def main() -> int:
    """0 when each audience has its secrets, else 1 after a sentence that names the missing one."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    subprocess.run([sys.executable, str(GENERATE), str(ALL)], check=True)
    for audience, names in AUDIENCES.items():
        for name in names:
            if not (ALL / name).is_file():
                log.error("The secret %s was not generated: infra/secrets/generate.py does not know it.", name)
                return 1
            hand_over(ALL / name, Path("/secrets", audience, name))
    return 0


def hand_over(secret: Path, target: Path) -> None:
    """Copy a secret, atomically, so that a service that starts meanwhile reads the old or the new one."""
    part = target.with_name(f".{target.name}.part")
    part.write_text(secret.read_text())
    part.chmod(0o444)
    part.replace(target)


if __name__ == "__main__":
    sys.exit(main())
