"""The diabetes database as the service finds it, and a line to it that can be cut."""

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
    """A connection that commits every statement."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def migrate(url: str) -> None:
    """Make the tables."""
    engine = create_engine(url)
    migrations.upgrade(engine)
    engine.dispose()


def rows(database: Connection, table: str = "predictions") -> list[Any]:
    """The rows of a table, oldest first."""
    return list(database.execute(text(f"SELECT * FROM {table} ORDER BY id")).mappings())  # noqa: S608


@dataclass
class Line:
    """A line between the service and PostgreSQL. Cut, it passes a COMMIT on and loses the reply to it, once."""

    port: int
    cut: threading.Event = field(default_factory=threading.Event)
    lost: int = 0


@contextmanager
def line_to(host: str, port: int) -> Iterator[Line]:
    """Pass every connection on to a server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        line = Line(listening.getsockname()[1])
        threading.Thread(target=_accept, args=(listening, line, (host, port)), daemon=True).start()
        try:
            yield line
        finally:
            listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, line: Line, server: tuple[str, int]) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        answering = socket.create_connection(server)
        threading.Thread(target=_pass_on, args=(client, answering, line, True), daemon=True).start()
        threading.Thread(target=_pass_on, args=(answering, client, line, False), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, line: Line, to_server: bool) -> None:
    try:
        while block := source.recv(65_536):
            if to_server and line.cut.is_set() and b"COMMIT" in block:
                line.cut.clear()
                line.lost += 1
                source.shutdown(socket.SHUT_RDWR)
                target.sendall(block)
                target.recv(65_536)  # it is committed; nobody is told
                break
            target.sendall(block)
    except OSError:
        pass
    for end in (source, target):
        end.close()
