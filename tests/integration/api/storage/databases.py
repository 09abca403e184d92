"""The diabetes database, and a proxy to it that can drop the reply to a COMMIT."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, create_engine, text

from ml import migrations


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection in autocommit mode."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def migrate(url: str, prediction_retention_days: int = 0) -> None:
    """Create the tables."""
    engine = create_engine(url)
    migrations.upgrade(engine, prediction_retention_days=prediction_retention_days)
    engine.dispose()


def rows(database: Connection, table: str = "predictions") -> list[Any]:
    """The rows of a table, oldest first."""
    return list(database.execute(text(f"SELECT * FROM {table} ORDER BY id")).mappings())  # noqa: S608


@dataclass
class Proxy:
    """A proxy between the service and PostgreSQL. When `cut` is set, it drops the reply to the next COMMIT."""

    port: int
    cut: threading.Event = field(default_factory=threading.Event)
    lost: int = 0


@contextmanager
def proxy_to(host: str, port: int) -> Iterator[Proxy]:
    """Forward every connection to a server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        proxy = Proxy(listening.getsockname()[1])
        threading.Thread(target=_accept, args=(listening, proxy, (host, port)), daemon=True).start()
        try:
            yield proxy
        finally:
            listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, proxy: Proxy, server: tuple[str, int]) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        answering = socket.create_connection(server)
        threading.Thread(target=_forward, args=(client, answering, proxy, True), daemon=True).start()
        threading.Thread(target=_forward, args=(answering, client, proxy, False), daemon=True).start()


def _forward(source: socket.socket, target: socket.socket, proxy: Proxy, to_server: bool) -> None:
    try:
        while block := source.recv(65_536):
            if to_server and proxy.cut.is_set() and b"COMMIT" in block:
                proxy.cut.clear()
                proxy.lost += 1
                source.shutdown(socket.SHUT_RDWR)
                target.sendall(block)
                target.recv(65_536)  # committed, but the reply is dropped
                break
            target.sendall(block)
    except OSError:
        pass
    for end in (source, target):
        end.close()
