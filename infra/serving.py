"""A small HTTP server for metrics and a page or two: of the exporter."""

import signal
import sys
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from types import FrameType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class SmallServer(ThreadingMixIn, WSGIServer):
    """One thread per request, so that the health page answers while another request waits."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """One line per scrape would only fill the log."""


def bind(address: str, port: int, app: Wsgi) -> SmallServer:
    """A server that holds its port; serving is up to the caller.

    Raises:
        OSError: when the port cannot be used.
    """
    return make_server(address, port, app, SmallServer, _QuietHandler)


def serve_until_told(server: SmallServer) -> None:
    """Serve, and end like any program on SIGTERM: without this, process 1 of a container ignores it."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        server.serve_forever()
    finally:
        server.server_close()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
