"""Copies of the servers at an earlier time: base backups to which archived WAL is replayed, beside the servers."""

import os
import re
import shlex
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from infra.backup.errors import BackupError
from infra.backup.files import adopt_owner
from infra.backup.manifest import BaseEntry
from infra.backup.point_in_time.archive import first_missing
from infra.backup.point_in_time.base_backups import FOLDER
from infra.backup.postgres import connect, rows
from infra.backup.settings import ROOT, Server
from infra.local.postgres.accounts import process_identity, server_account
from infra.local.postgres.cluster import binaries

READY: Final = "ready"
SCRIPT: Final = ROOT / "infra" / "postgres" / "server" / "run_copies.sh"
START_SECONDS: Final = 60.0
_FATAL: Final = re.compile(r"(?:FATAL|PANIC):  (?!the database system is)(.+)")
"""An error in a server's log that ends it. Refused connections ("the database system is …") are none."""
_ENDS_TOO_EARLY: Final = "recovery ended before configured recovery target was reached"


@dataclass(frozen=True)
class Workplace:
    """Folder in which copies of servers are made, and who runs them."""

    folder: Path
    owner: Path
    """A path that has the owner of the copies."""
    is_served: bool
    """Whether a service of Docker Compose runs the copies. Else a process of this machine does."""


@contextmanager
def running_copies(
    place: Workplace, backup: Path, bases: Mapping[str, BaseEntry], wal: Path, moment: datetime
) -> Iterator[dict[str, Server]]:
    """Recover every server to that time; the caller holds the lock of the folder.

    Raises:
        BackupError: the archived WAL does not reach that time, or a copy does not start.
    """
    with ExitStack() as stack:
        sockets = place.folder
        if not place.is_served:  # the path of a socket has a length limit
            sockets = Path(stack.enter_context(TemporaryDirectory(prefix="copies-", ignore_cleanup_errors=True)))
        servers = {name: Server(str(sockets), 5432 + number, "") for number, name in enumerate(bases)}
        for name, base in bases.items():
            _prepare(place.folder / name, backup / FOLDER / name, wal / base.cluster, moment, servers[name])
        for folder in (place.folder, sockets):
            adopt_owner(folder, place.owner)
        stack.enter_context(_run(place))
        for name, base in bases.items():
            _wait(place.folder / name, servers[name], partial(first_missing, base, wal))
        yield servers


def _prepare(copy: Path, source: Path, wal: Path, moment: datetime, server: Server) -> None:
    copy.mkdir(mode=0o700)
    for name, target in (("base", copy), ("pg_wal", copy / "pg_wal")):
        with tarfile.open(source / f"{name}.tar.gz") as archive:
            archive.extractall(target, filter="data")
    settings = {
        "restore_command": f"gzip -dc < {shlex.quote(str(wal)).replace('%', '%%')}/%f.gz > %p",
        "recovery_target_time": str(moment),
        "recovery_target_action": "promote",
        "hot_standby": "off",
        "archive_mode": "off",
        "listen_addresses": "",
        "port": str(server.port),
        "unix_socket_directories": server.host,
        "unix_socket_permissions": "0700",
        "fsync": "off",
    }
    with (copy / "postgresql.auto.conf").open("a") as file:
        file.writelines("{} = '{}'\n".format(name, value.replace("'", "''")) for name, value in settings.items())
    (copy / "pg_hba.conf").write_text("local all all trust\n")  # who may enter the folder of the sockets
    (copy / "recovery.signal").touch()


@contextmanager
def _run(place: Workplace) -> Iterator[None]:
    """Run the copies that are in the folder."""
    ready, process = place.folder / READY, None
    ready.touch()
    if not place.is_served:
        environment = os.environ | {"PATH": f"{binaries()}:{os.environ['PATH']}"}
        identity = process_identity(server_account(place.owner))
        process = subprocess.Popen(["sh", str(SCRIPT), str(place.folder)], env=environment, **identity)
    try:
        yield
    finally:
        ready.unlink(missing_ok=True)
        deadline = time.monotonic() + START_SECONDS
        while any(place.folder.glob("*/postmaster.pid")) and time.monotonic() < deadline:
            time.sleep(0.1)
        if process is not None:
            process.wait(START_SECONDS)


def _wait(copy: Path, server: Server, missing: Callable[[], str]) -> None:
    """Wait until the copy has replayed the WAL up to the time and accepts connections."""
    log, alive = copy.with_name(f"{copy.name}.log"), time.monotonic()
    while not _is_recovered(server):
        said = log.read_text(errors="replace") if log.exists() else ""
        if fault := _FATAL.search(said):
            if fault[1] == _ENDS_TOO_EARLY:
                raise BackupError(
                    f"The archived WAL of {copy.name} ends before that time: its next file, {missing()}, is missing."
                )
            raise BackupError(f"The copy of {copy.name} cannot be recovered: {fault[1].strip().rstrip('.')}.")
        if (copy / "postmaster.pid").exists():
            alive = time.monotonic()
        if time.monotonic() - alive > START_SECONDS:
            last = (said.strip().splitlines() or ["nothing runs it"])[-1]
            raise BackupError(f"The copy of {copy.name} does not run: {last.rstrip('.')}.")
        time.sleep(0.2)


def _is_recovered(server: Server) -> bool:
    try:
        with connect(server) as connection:
            return rows(connection, "SELECT pg_is_in_recovery()") == [(False,)]
    except BackupError:
        return False
