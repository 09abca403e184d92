"""One-shot before Airflow's components start: logins proven, both databases migrated, the demo user written.

Everything here may run again on each start; nothing is overwritten but the demo user's password.
"""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import psycopg2

SECRETS = Path(os.environ.get("SECRETS_DIR", "/run/secrets"))
PASSWORDS_FILE = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
DATABASES = ("airflow", "diabetes")
MIGRATIONS = {
    "Airflow's database": ["airflow", "db", "migrate"],
    "the diabetes database": [sys.executable, "-m", "ml", "migrate"],
}

log = logging.getLogger("airflow-init")


def main() -> int:
    """0 when everything is ready, else 1 after one sentence that says what is not."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for name in DATABASES:
        if fault := login_fault(name):
            log.error("%s", fault)
            return 1
    for what, command in MIGRATIONS.items():
        if not migrate(what, command):
            return 1
    write_passwords(PASSWORDS_FILE, os.environ["AIRFLOW_USER"], os.environ["AIRFLOW_PASSWORD"])
    log.info("Airflow is ready to start: user '%s', see .env for the password.", os.environ["AIRFLOW_USER"])
    return 0


def login_fault(name: str) -> str | None:
    """Why a role cannot log in to the database of its own name, in one sentence, or None."""
    secret = f"{name}_db_password"
    try:
        password = (SECRETS / secret).read_text().strip()
    except OSError:
        return f"The secret {secret} is missing: run 'docker compose up -d', which generates it."
    try:
        host = os.environ["POSTGRES_HOST"]
        psycopg2.connect(host=host, dbname=name, user=name, password=password, connect_timeout=10).close()
    except psycopg2.OperationalError as error:
        if "password authentication failed" in str(error):
            return (
                f"PostgreSQL refuses {secret}: it was changed or lost after the database was made; "
                "restore it, or start afresh with 'docker compose down -v'."
            )
        return f"The database {name} does not answer: {str(error).strip().splitlines()[0]}."
    return None


def migrate(what: str, command: list[str]) -> bool:
    """Run a migration; its many lines are shown only when it fails."""
    log.info("Migrating %s …", what)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        log.error("%s", (done.stdout + done.stderr)[-4000:])
        log.error("Migrating %s failed: the lines above say why.", what)
    return done.returncode == 0


def write_passwords(file: Path, user: str, password: str) -> None:
    """Write the file that Airflow's simple login reads; Airflow itself opens it for writing, hence a volume."""
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({user: password}))
    fresh.chmod(0o660)
    fresh.replace(file)  # another user than today's may own the present one: AIRFLOW_UID can change


if __name__ == "__main__":
    sys.exit(main())
