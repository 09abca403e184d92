"""A webhook receiver for Alertmanager that records the alerts of each notification."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class WebhookReceiver(ThreadingHTTPServer):
    """An HTTP server on a free port; `received` holds the name and status of every alert, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        """Address for ``webhook_configs``."""
        return f"http://127.0.0.1:{self.server_port}/"

    def names(self, status: str) -> set[str]:
        """Names of the alerts received as ``firing`` or ``resolved``."""
        return {name for name, found in list(self.received) if found == status}


class _Handler(BaseHTTPRequestHandler):
    server: WebhookReceiver

    def do_POST(self) -> None:
        alerts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"]
        self.server.received += [(alert["labels"]["alertname"], alert["status"]) for alert in alerts]
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """No line per request."""
