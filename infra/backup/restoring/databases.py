"""Restores dumps into databases beside the present ones, compares them with the manifest, and exchanges their names."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import psycopg2
from psycopg2 import extensions, sql

from infra.backup.errors import BackupError
from infra.backup.manifest import DatabaseEntry
from infra.backup.postgres import connect, describe, execute, restore, rows
from infra.backup.settings import Database, Platform, Server

RESTORED: Final = "__restored"
BEFORE: Final = "__before"
RENAME_TRIES: Final = 20


def restore_database(
    database: Database, name: str, archive: Path, entry: DatabaseEntry, report: Callable[[str], None]
) -> None:
    """Create a database of this name from a dump, and compare it with the manifest.

    Raises:
        BackupError: the dump cannot be restored, or the database differs from the manifest.
    """
    begun = time.monotonic()
    with connect(database.server) as connection:
        _create_missing_roles(connection, (*entry.roles, database.owner))
        _create(connection, name, database.owner, entry)
    restore(archive, database.server, name)
    with connect(database.server, name) as connection:
        execute(connection, "ANALYZE")
        found = describe(connection)
    if found.revision != entry.revision:
        raise BackupError(f"The restored {database.key} has revision {found.revision} instead of {entry.revision}.")
    tables = sorted(found.counts.keys() | entry.counts.keys())
    if wrong := next((table for table in tables if found.counts.get(table) != entry.counts.get(table)), None):
        raise BackupError(
            f"The restored {database.key} has {found.counts.get(wrong, 'no table and thus no')} rows in {wrong} "
            f"instead of {entry.counts.get(wrong, 'no such table')}."
        )
    total = sum(found.counts.values())
    report(f"Database {database.key}: {total:,} rows as in the backup, {time.monotonic() - begun:.1f} s")


def _create_missing_roles(connection: extensions.connection, roles: Iterable[str]) -> None:
    """Create the roles that a migration made; those with a login exist and have passwords of this platform."""
    present = {name for (name,) in rows(connection, "SELECT rolname FROM pg_roles")}
    for role in dict.fromkeys(roles):
        if role not in present:
            execute(connection, sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))


def _create(connection: extensions.connection, name: str, owner: str, entry: DatabaseEntry) -> None:
    database = sql.Identifier(name)
    drop(connection, name)
    create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0")
    execute(connection, create.format(database, sql.Identifier(owner)))
    execute(connection, sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    for role, privilege in entry.grants:
        grant = sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(privilege), database, sql.Identifier(role))
        execute(connection, grant)


def drop(connection: extensions.connection, name: str) -> None:
    """Delete a database, if it exists."""
    execute(connection, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def drop_all(platform: Platform, suffix: str) -> None:
    """Delete the databases with this suffix."""
    for database in platform.databases:
        with connect(database.server) as connection:
            drop(connection, database.name + suffix)


def swap_names(platform: Platform) -> None:
    """Give the restored databases the names of the present ones; what is done already is left.

    Raises:
        BackupError: sessions keep the databases in use. The databases of that server are as before.
    """
    for server, names in _by_server(platform):
        with connect(server) as connection:
            _rename(connection, [name for name in names if _exists(connection, name + RESTORED)], RESTORED, BEFORE)


def return_names(platform: Platform) -> None:
    """Undo `swap_names` where it was done."""
    for server, names in _by_server(platform):
        with connect(server) as connection:
            _rename(connection, [name for name in names if _exists(connection, name + BEFORE)], BEFORE, RESTORED)


def _by_server(platform: Platform) -> list[tuple[Server, list[str]]]:
    servers = dict.fromkeys(database.server for database in platform.databases)
    return [(server, [each.name for each in platform.databases if each.server == server]) for server in servers]


def _exists(connection: extensions.connection, name: str) -> bool:
    return bool(rows(connection, "SELECT FROM pg_database WHERE datname = %s", name))


def _rename(connection: extensions.connection, names: list[str], arriving: str, leaving: str) -> None:
    """In one transaction, rename ``name`` to ``name + leaving`` and ``name + arriving`` to ``name``."""
    present = [name for name in names if _exists(connection, name)]
    renames = [(name, name + leaving) for name in present] + [(name + arriving, name) for name in names]
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    for attempt in range(1, RENAME_TRIES + 1):
        try:
            execute(connection, "BEGIN")
            for old, new in renames:
                end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
                execute(connection, end, old)
                execute(connection, rename.format(sql.Identifier(old), sql.Identifier(new)))
            execute(connection, "COMMIT")
        except psycopg2.errors.ObjectInUse as error:  # a session began since
            execute(connection, "ROLLBACK")
            if attempt == RENAME_TRIES:
                raise BackupError(
                    f"A service keeps opening sessions ({str(error).splitlines()[0]}): stop it first."
                ) from None
        else:
            return
