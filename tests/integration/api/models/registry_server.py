"""A fake registry: a small HTTP server with the three endpoints of MLflow that the service uses."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ml.core.bundle import MANIFEST_FILE
from ml.core.signing.approval import TAG
from tests.support.signing import approval, approve_folder

FILES = "/api/2.0/mlflow-artifacts/artifacts/"


class RegistryServer:
    """Model versions are folders; the alias is an attribute; it can be stopped and started again."""

    def __init__(self) -> None:
        self.alias: str | None = None
        self.versions: dict[str, Path] = {}
        self.approvals: dict[str, str] = {}
        self.scheme = "mlflow-artifacts"
        self.created = 1_700_000_000_000
        self.downloads: list[str] = []
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def promote(self, version: str, folder: Path) -> None:
        """Approve a version as the gate does, and point the alias to it."""
        present = (folder / MANIFEST_FILE).exists()
        self.approvals[version] = approve_folder(version, folder) if present else approval(version, "0" * 64)
        self.point_to(version, folder)

    def point_to(self, version: str, folder: Path) -> None:
        """Move the alias by hand."""
        self.versions[version] = folder
        self.alias = version

    def start(self) -> None:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = registry.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, target: str) -> tuple[int, bytes]:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/api/2.0/mlflow/registered-models/alias":
            if self.alias is None:
                return _json(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not found"})
            fields = {"name": query["name"], "version": self.alias, "creation_timestamp": self.created}
            if self.alias in self.approvals:
                fields["tags"] = [{"key": TAG, "value": self.approvals[self.alias]}]
            return _json(200, {"model_version": fields | {"source": f"models:/m-{self.alias}"}})
        if url.path == "/api/2.0/mlflow/model-versions/get-download-uri":
            return _json(200, {"artifact_uri": f"{self.scheme}:/1/models/m-{query['version']}/artifacts"})
        if url.path.startswith(FILES):
            *_, model, _, name = unquote(url.path.removeprefix(FILES)).split("/")
            self.downloads.append(name)
            file = self.versions[model.removeprefix("m-")] / name
            return (200, file.read_bytes()) if file.exists() else _json(404, {"error_code": "RESOURCE_DOES_NOT_EXIST"})
        return _json(404, {})


def _json(status: int, document: dict[str, Any]) -> tuple[int, bytes]:
    return status, json.dumps(document).encode()


@contextmanager
def running_registry() -> Iterator[RegistryServer]:
    """A started server, stopped with the context."""
    server = RegistryServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
