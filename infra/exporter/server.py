"""HTTP server of the exporter: ``/metrics`` for Prometheus, ``/health`` for the container."""

from http import HTTPStatus
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, MetricsHandler, ProcessCollector

from infra.exporter.collector import PlatformCollector
from infra.exporter.settings import ExporterSettings


class ExporterHandler(MetricsHandler):
    """Serves metrics under ``/metrics`` only; each request has a thread, so a slow scrape does not block health."""

    def do_GET(self) -> None:  # noqa: N802 - name of the base class
        """Handle one request."""
        path = urlsplit(self.path).path
        if path == "/metrics":
            super().do_GET()
            return
        status = HTTPStatus.OK if path in ("/", "/health") else HTTPStatus.NOT_FOUND
        body = f"{status.phrase}; metrics are at /metrics\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def create_server(settings: ExporterSettings, collector: PlatformCollector) -> ThreadingHTTPServer:
    """Create a server that holds its port; the caller runs it.

    Raises:
        OSError: the port cannot be used.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(collector)
    address = (settings.exporter_bind, settings.exporter_port)
    return ThreadingHTTPServer(address, ExporterHandler.factory(registry))
