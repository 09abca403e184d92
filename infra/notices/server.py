"""The notices' HTTP server: Alertmanager posts to ``/notify``, people read ``/``, Prometheus scrapes ``/metrics``."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app
from pydantic import ValidationError

from infra.notices.book import Book
from infra.notices.notification import Notification
from infra.notices.page import as_html, as_json
from infra.notices.settings import NoticesSettings
from infra.serving import SmallServer, Wsgi, bind

logger = logging.getLogger("infra.notices")

RUNBOOKS: Final = Path(__file__).parents[2] / "docs" / "runbooks"
MOST_BYTES: Final = 4 * 1024 * 1024
HTML, JSON, TEXT = "text/html", "application/json", "text/plain"

Answer = tuple[str, str, str]
"""Status, media type and body."""


def create_app(book: Book, runbooks: Path = RUNBOOKS) -> Wsgi:
    """The WSGI application over one book and this process's own metrics."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(book)
    metrics: Wsgi = make_wsgi_app(registry)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return metrics(environ, start_response)
        if path == "/notify" and environ["REQUEST_METHOD"] == "POST":
            status, media_type, text = _take(environ, book)
        else:
            status, media_type, text = _show(path, book, runbooks)
        start_response(status, [("Content-Type", f"{media_type}; charset=utf-8")])
        return [text.encode()]

    return app


def create_server(settings: NoticesSettings) -> SmallServer:
    """A bound server with an empty book; serving is up to the caller."""
    return bind(settings.notices_bind, settings.notices_port, create_app(Book()))


def _take(environ: dict[str, Any], book: Book) -> Answer:
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MOST_BYTES:
        return "413 Content Too Large", TEXT, f"a notification has at most {MOST_BYTES} bytes\n"
    try:
        notification = Notification.model_validate_json(environ["wsgi.input"].read(int(length)))
    except ValidationError as error:
        return (
            "400 Bad Request",
            TEXT,
            f"no notification of Alertmanager: {error.errors(include_url=False)[0]['msg']}\n",
        )
    for notice in book.note(notification):
        # As repr: what came over the network stays on its line.
        logger.info("%s %s %s %r", notice.status, notice.severity, notice.name, f"{notice.instance} {notice.summary}")
    return "200 OK", TEXT, "noted\n"


def _show(path: str, book: Book, runbooks: Path) -> Answer:
    if path == "/":
        return "200 OK", HTML, as_html(book.latest())
    if path == "/notices":
        return "200 OK", JSON, as_json(book.latest())
    if path == "/health":
        return "200 OK", TEXT, "ok\n"
    page = {f"/runbooks/{file.stem}": file for file in runbooks.glob("*.md")}.get(path)
    if page is not None:
        return "200 OK", TEXT, page.read_text()
    return "404 Not Found", TEXT, "not found; the notices are at / and /notices, metrics at /metrics\n"
