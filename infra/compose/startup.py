"""Steps of a container before its program starts: login check and migration of its database."""

import logging
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg2

from infra.postgres.login import explain_login_failure

log = logging.getLogger("startup")


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
    """Run a migration; its output is logged only when it fails.

    Raises:
        StartupError: the command failed.
    """
    log.info("Migrating the %s database", database)
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        log.error("%s", (result.stdout + result.stderr)[-4000:])
        raise StartupError(f"The migration of the {database} database failed: see the lines above.")


def run(program: Callable[[], None]) -> int:
    """Run a program; returns 1 after a `StartupError`, which is logged."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        program()
    except StartupError as error:
        log.error("%s", error)
        return 1
    return 0
