"""Steps of a container before its program starts: login check and migration of its database."""

import logging
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psycopg2

from infra.postgres.login import explain_login_failure

log = logging.getLogger("startup")

_UNKNOWN_REVISION: Final = re.compile(r"Can't locate revision identified by '(\w+)'")
"""What Alembic says of Airflow's and MLflow's tables that a newer release migrated."""

ADOPTION_ATTEMPTS: Final = 6
ADOPTION_PAUSE_SECONDS: Final = 10


class StartupError(Exception):
    """The container cannot start; the message has the reason and the remedy."""


def log_in(host: str, database: str, role: str, secret: Path) -> str:
    """Log in once; returns the password.

    Raises:
        StartupError: the secret is missing, the password is refused, or the server cannot be reached.
    """
    try:
        password = secret.read_text().strip()
        psycopg2.connect(host=host, dbname=database, user=role, password=password, connect_timeout=10).close()
    except OSError:
        raise StartupError(
            f"The secret {secret.name} is missing: run 'docker compose up -d', which generates it."
        ) from None
    except psycopg2.OperationalError as error:
        raise StartupError(explain_login_failure(error, database, secret.name, "docker compose down -v")) from None
    return password


def migrate(database: str, command: list[str]) -> None:
    """Run a migration; its output is logged only when it fails for a reason that is no sentence yet.

    Raises:
        StartupError: the command failed, or a newer release migrated the tables.
    """
    log.info("Migrating the %s database", database)
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        output = (result.stdout + result.stderr).strip()
        if unknown := _UNKNOWN_REVISION.search(output):
            raise StartupError(
                f"The {database} database has the revision {unknown[1]}, which this release does not know: a newer "
                "one migrated it; check that one out, or restore a backup of this one (docs/upgrading.md)."
            )
        if (sentence := output.removeprefix("Error: ")) != output:  # of the platform's own commands
            raise StartupError(sentence)
        log.error("%s", output[-4000:])
        raise StartupError(f"The migration of the {database} database failed: see the lines above.")


def adopt(command: list[str]) -> None:
    """Sign the production model of an earlier release; without MLflow, the next run of the gate does it."""
    for attempt in range(ADOPTION_ATTEMPTS):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if not result.returncode:
            break
        if attempt + 1 < ADOPTION_ATTEMPTS:
            time.sleep(ADOPTION_PAUSE_SECONDS)  # MLflow starts at the same time
    if text := " ".join((result.stdout + result.stderr).split()):
        log.info("%s", text[-1000:])


def run(program: Callable[[], None]) -> int:
    """Run a program; returns 1 after a `StartupError`, which is logged."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        program()
    except StartupError as error:
        log.error("%s", error)
        return 1
    return 0
