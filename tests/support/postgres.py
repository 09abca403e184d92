"""A PostgreSQL server of the tests: the wheel's, with durability off, in a directory that goes away."""

import pwd
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local.postgres import PostgresServer

FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
"""Settings for data that nobody will miss."""


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_postgres(folder: Path) -> Iterator[PostgresServer]:
    """Start a server with its data in `folder`, and end it with the context."""
    server = PostgresServer(folder / "data", free_port(), secrets.token_urlsafe(16), options=FORGETFUL)
    server.initialise()
    identity: dict[str, Any] = {}
    if server.account is not None:
        entry = pwd.getpwnam(server.account)
        identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    with (folder / "postgres.log").open("wb") as log:
        process = subprocess.Popen(server.command, cwd=server.data_dir, stdout=log, stderr=log, **identity)
        try:
            server.wait()
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: does not wait for open connections
            process.wait(30)
