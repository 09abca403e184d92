"""Connections, facts about a database, and PostgreSQL's programs from the wheel: dump and restore of one database.

The programs are those of PostgreSQL 18. They dump servers of any earlier version, and restore into them what came from
the same or an earlier one.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, cast

import psycopg2
from psycopg2 import extensions, sql

from infra.backup.errors import BackupError
from infra.backup.manifest import DatabaseEntry
from infra.backup.settings import Database, Server
from infra.local.postgres.cluster import SUPERUSER, binaries
from ml.core.release import OF_THE_TABLES, Release

_TABLES: Final = """
    SELECT schemaname, tablename FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'staging') ORDER BY 1, 2
"""
_WITHOUT_STAGED_ROWS: Final = ("--exclude-table=staging.*[0-9]", "--exclude-table-data=staging.deliveries")
"""Options that leave out the rows of ingestions in progress. The sequence of their ids stays: no id is used twice."""
_GRANTS: Final = """
    SELECT r.rolname, a.privilege_type FROM pg_database d, aclexplode(d.datacl) a JOIN pg_roles r ON r.oid = a.grantee
    WHERE d.datname = current_database() AND r.oid <> d.datdba ORDER BY 1, 2
"""
_ROLES: Final = r"SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND NOT rolsuper ORDER BY 1"

_REVISION_TABLES: Final = ("schema_version", "alembic_version")
_UNKNOWN_BEFORE_17: Final = b"SET transaction_timeout = 0;\n"
"""A line of every script of pg_restore 18, which earlier servers refuse."""


@contextmanager
def connect(server: Server, database: str = "postgres") -> Iterator[extensions.connection]:
    """A connection as superuser, in autocommit mode.

    Raises:
        BackupError: the server cannot be reached, or the database does not exist.
    """
    try:
        connection: extensions.connection = psycopg2.connect(
            host=server.host,
            port=server.port,
            dbname=database,
            user=SUPERUSER,
            password=server.password,
            connect_timeout=10,
            application_name="backup",
        )
    except psycopg2.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise BackupError(f"The database {database} on port {server.port} cannot be opened: {reason}.") from None
    with closing(connection):
        connection.autocommit = True
        yield connection


def rows(connection: extensions.connection, query: str | sql.Composable, *values: object) -> list[tuple[Any, ...]]:
    """Rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def execute(connection: extensions.connection, statement: str | sql.Composable, *values: object) -> None:
    """Run a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)


@contextmanager
def snapshot(database: Database) -> Iterator[tuple[extensions.connection, str]]:
    """A read-only transaction on one state of the database, and the name by which `pg_dump` reads the same state."""
    with connect(database.server, database.name) as connection:
        connection.autocommit = False
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        ((name,),) = rows(connection, "SELECT pg_export_snapshot()")
        yield connection, name


def describe(connection: extensions.connection) -> DatabaseEntry:
    """Version, revision, rows of every table whose rows a dump has, roles and rights on the database."""
    tables = rows(connection, _TABLES)
    counts = {}
    for schema, table in tables:
        ((count,),) = rows(connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table)))
        counts[f"{schema}.{table}"] = count
    ((version,),) = rows(connection, "SELECT current_setting('server_version_num')::int")
    return DatabaseEntry(
        server_version=version,
        revision=revision_of(connection),
        counts=counts,
        grants=tuple(rows(connection, _GRANTS)),
        roles=tuple(role for (role,) in rows(connection, _ROLES)),
    )


def revision_of(connection: extensions.connection) -> str | None:
    """Alembic's revision, which the platform's own tables keep under another name than those of Airflow and MLflow."""
    for table in _REVISION_TABLES:
        if rows(connection, "SELECT to_regclass(%s)", f"public.{table}") != [(None,)]:
            query = sql.SQL("SELECT version_num FROM {} ORDER BY 1").format(sql.Identifier(table))
            return ",".join(revision for (revision,) in rows(connection, query)) or None
    return None


def release_of(ledger: extensions.connection) -> Release:
    """The release that last migrated the tables, as the database ``diabetes`` has it."""
    ((comment,),) = rows(ledger, OF_THE_TABLES)
    return Release.parse(comment)


def dump(database: Database, snapshot_name: str, target: Path) -> None:
    """Write the database in that state, without staged rows, to a file in PostgreSQL's custom format.

    Raises:
        BackupError: with the last line of `pg_dump`.
    """
    options = ["--format=custom", f"--snapshot={snapshot_name}", f"--file={target}", "--no-password"]
    _run([*_program("pg_dump", database.server), *_WITHOUT_STAGED_ROWS, *options, database.name], database.server)


def copy_cluster(server: Server, target: Path) -> None:
    """Write a base backup to a folder: ``base.tar.gz``, ``pg_wal.tar.gz`` and ``backup_manifest``.

    Raises:
        BackupError: with the last line of `pg_basebackup`.
    """
    options = [f"--pgdata={target}", "--format=tar", "--gzip", "--checkpoint=fast", "--no-password"]
    _run([*_program("pg_basebackup", server), *options], server)


def restore(archive: Path, server: Server, database: str) -> None:
    """Restore a dump into an empty database in one transaction.

    Raises:
        BackupError: with the last line of `pg_restore` or `psql`.
    """
    script = [str(binaries() / "pg_restore"), "--exit-on-error", "--file=-", str(archive)]
    options = ["--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--dbname={database}"]
    with tempfile.TemporaryFile() as messages:
        reading = subprocess.Popen(script, stdout=subprocess.PIPE, stderr=messages)
        writing = subprocess.Popen(
            [*_program("psql", server), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=messages,
            env=_environment(server),
        )
        _pass_on(reading, writing)
        if reading.returncode or writing.returncode:
            messages.seek(0)
            raise BackupError(f"{archive.name} cannot be restored: {_last_line(messages.read())}.")


def _pass_on(reading: "subprocess.Popen[bytes]", writing: "subprocess.Popen[bytes]") -> None:
    """Pass the script on, without the setting that earlier servers refuse, and wait for both."""
    source, target = cast("IO[bytes]", reading.stdout), cast("IO[bytes]", writing.stdin)
    with source, suppress(BrokenPipeError):  # psql ends at the first error
        for line in source:  # the settings are at the beginning
            if line == _UNKNOWN_BEFORE_17:
                break
            target.write(line)
        shutil.copyfileobj(source, target, 1 << 20)
        target.flush()
    if reading.wait():
        writing.kill()  # at the end of its input it would commit a part
    with suppress(BrokenPipeError):
        target.close()
    writing.wait()


def _program(name: str, server: Server) -> list[str]:
    return [str(binaries() / name), f"--host={server.host}", f"--port={server.port}", f"--username={SUPERUSER}"]


def _environment(server: Server) -> dict[str, str]:
    return os.environ | {"PGPASSWORD": server.password, "PGAPPNAME": "backup"}


def _run(command: list[str], server: Server) -> None:
    done = subprocess.run(command, env=_environment(server), capture_output=True, check=False)
    if done.returncode:
        raise BackupError(f"{Path(command[0]).name} failed: {_last_line(done.stderr)}.")


def _last_line(output: bytes) -> str:
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line or "error" in line]
    return (errors or lines or ["no reason given"])[0].strip().rstrip(".")
