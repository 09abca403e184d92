"""A wire to a server that can be made slow, or silent."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

_CHUNK: Final = 65_536


class Link:
    """Passes on every connection to a server."""

    def __init__(self, target: str) -> None:
        self.silent = threading.Event()
        """While set, nothing comes back."""
        self.latency_seconds = 0.0
        """Before each answer."""
        self.slow_file = ""
        self.pause_seconds = 0.0
        """Of the file with this name comes a byte at a time, with this pause before it."""
        address = urlsplit(target)
        self._target = (address.hostname, address.port)
        self._closing = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._closing.set()
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()  # the server is away
            return
        dripping = threading.Event()
        threading.Thread(target=self._ask, args=(client, server, dripping), daemon=True).start()
        self._answer(server, client, dripping)

    def _ask(self, client: socket.socket, server: socket.socket, dripping: threading.Event) -> None:
        with suppress(OSError):
            while content := client.recv(_CHUNK):
                if self.slow_file and self.slow_file.encode() in content.split(b"\r\n", 1)[0]:
                    dripping.set()
                server.sendall(content)
        _end(server)

    def _answer(self, server: socket.socket, client: socket.socket, dripping: threading.Event) -> None:
        with suppress(OSError):
            while content := server.recv(_CHUNK):
                self._closing.wait(self.latency_seconds)
                while self.silent.is_set() and not self._closing.wait(0.05):
                    pass
                if dripping.is_set():
                    self._drip(client, content)
                client.sendall(content)
        _end(client)

    def _drip(self, client: socket.socket, content: bytes) -> None:
        head = content.find(b"\r\n\r\n") + 4
        client.sendall(content[:head])
        for byte in content[head:]:
            if self._closing.wait(self.pause_seconds):
                break
            client.sendall(bytes([byte]))


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@contextmanager
def linked(target: str) -> Iterator[Link]:
    """A link that ends with the context."""
    link = Link(target)
    try:
        yield link
    finally:
        link.close()
