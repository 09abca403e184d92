"""One-shot before Airflow's components start: checks logins, migrates both databases, signs, writes the logins.

It runs at every start and overwrites nothing but the passwords.
"""

import json
import os
import sys
from pathlib import Path
from typing import Final

from infra.airflow_users import passwords
from infra.compose.startup import adopt, log, log_in, migrate, run
from ml.core.secret_files import with_secret_files

USERS: Final = Path("/run/secrets-users")
"""Passwords of Airflow's users."""


def main() -> None:
    """Prepare the databases and the login of Airflow."""
    secrets = Path(os.environ.get("SECRETS_DIR", "/run/secrets"))
    for database in ("airflow", "diabetes"):
        log_in(os.environ["POSTGRES_HOST"], database, database, secrets / f"{database}_db_password")
    migrate("diabetes", [sys.executable, "-m", "ml", "migrate"])  # first: it knows which release migrated the tables
    migrate("airflow", ["airflow", "db", "migrate"])
    if "," in (secrets / "airflow_fernet_key").read_text():  # a rotation: the new key, and the former
        migrate("airflow", ["airflow", "rotate-fernet-key"])
    adopt([sys.executable, "-m", "ml", "adopt"])
    user, password = os.environ["AIRFLOW_USER"], with_secret_files(os.environ, ["AIRFLOW_PASSWORD"])["AIRFLOW_PASSWORD"]
    passwords_file = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    of_users = passwords(user, password, lambda name: (USERS / name).read_text().strip())
    write_passwords(passwords_file, of_users)
    log.info("Airflow is ready to start: user '%s', password in .env.", user)


def write_passwords(file: Path, of_users: dict[str, str]) -> None:
    """Write the passwords of Airflow's simple auth manager, which opens the file for writing: hence a volume."""
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(of_users))
    draft.chmod(0o660)
    draft.replace(file)  # the present file may belong to an earlier AIRFLOW_UID


if __name__ == "__main__":
    sys.exit(run(main))
