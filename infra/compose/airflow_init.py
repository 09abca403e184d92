"""One-shot before Airflow's components start: checks logins, migrates both databases, writes the demo user.

It runs at every start and overwrites nothing but the demo user's password.
"""

import json
import os
import sys
from pathlib import Path

from infra.compose.startup import log, log_in, migrate, run


def main() -> None:
    """Prepare the databases and the login of Airflow."""
    secrets = Path(os.environ.get("SECRETS_DIR", "/run/secrets"))
    for database in ("airflow", "diabetes"):
        log_in(os.environ["POSTGRES_HOST"], database, database, secrets / f"{database}_db_password")
    migrate("airflow", ["airflow", "db", "migrate"])
    migrate("diabetes", [sys.executable, "-m", "ml", "migrate"])
    user = os.environ["AIRFLOW_USER"]
    passwords_file = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    write_passwords(passwords_file, {user: os.environ["AIRFLOW_PASSWORD"]})
    log.info("Airflow is ready to start: user '%s', password in .env.", user)


def write_passwords(file: Path, passwords: dict[str, str]) -> None:
    """Write the passwords of Airflow's simple auth manager, which opens the file for writing: hence a volume."""
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(passwords))
    draft.chmod(0o660)
    draft.replace(file)  # the present file may belong to an earlier AIRFLOW_UID


if __name__ == "__main__":
    sys.exit(run(main))
