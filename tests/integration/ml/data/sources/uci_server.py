"""A server that imitates UCI's repository: metadata of a data set, and its table."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ml.schema import COLUMNS, Kind

_ROLES = {Kind.IDENTIFIER: "ID", Kind.TARGET: "Target"}


@dataclass
class Uci:
    """Content and behaviour of the server; can be changed while it runs."""

    url: str
    table: bytes
    failures: int = 0
    """Number of requests to answer with 503."""
    hang: threading.Event = field(default_factory=threading.Event)
    """While set, requests get no response."""
    requests: list[str] = field(default_factory=list)

    def metadata(self) -> dict[str, Any]:
        variables = [
            {"name": c.name, "role": _ROLES.get(c.kind, "Feature"), "type": "Categorical", "missing_values": "no"}
            for c in COLUMNS
        ]
        data = {
            "uci_id": 296,
            "name": "Diabetes 130-US Hospitals for Years 1999-2008",
            "data_url": f"{self.url}/static/public/296/data.csv",
            "variables": variables,
            "additional_info": None,
            "intro_paper": None,
        }
        return {"status": 200, "statusText": "OK", "data": data}


@contextmanager
def running_uci(table: bytes) -> Iterator[Uci]:
    """Serve a table on a free port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    uci = _Handler.uci = Uci(f"http://127.0.0.1:{server.server_address[1]}", table)
    released = threading.Event()
    _Handler.released = released
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield uci
    finally:
        released.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    uci: Uci
    released: threading.Event

    def do_GET(self) -> None:
        self.uci.requests.append(self.path)
        if self.uci.hang.is_set():
            self.released.wait(60)
            return
        if self.uci.failures:
            self.uci.failures -= 1
            self._answer(503, b"try later")
        elif self.path == "/api/dataset?id=296":
            self._answer(200, json.dumps(self.uci.metadata()).encode())
        elif self.path == "/static/public/296/data.csv":
            self._answer(200, self.uci.table)
        else:
            self._answer(404, b"no such page")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""
