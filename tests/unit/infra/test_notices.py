"""The notices: what is posted is kept, counted, shown and never trusted."""

import io
import json
import logging
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from infra.notices.book import MOST_KEPT, MOST_NAMES, Book
from infra.notices.notification import Notification
from infra.notices.server import MOST_BYTES, create_app


def notification(name: str = "ApiDown", status: str = "firing", **labels: str) -> dict[str, Any]:
    alert = {
        "status": status,
        "labels": {"alertname": name, "severity": "critical", "instance": "api:8000", **labels},
        "annotations": {"summary": "The API does not answer", "action": "Start it again."},
        "startsAt": "2026-11-20T10:00:00.123Z",
        "endsAt": "0001-01-01T00:00:00Z",
    }
    return {"version": "4", "receiver": "at-once", "status": status, "alerts": [alert]}


def ask(book: Book, path: str, body: bytes | None = None) -> tuple[str, str]:
    """Status and body of an answer."""
    said: list[str] = []
    environ = {
        "PATH_INFO": path,
        "REQUEST_METHOD": "GET" if body is None else "POST",
        "CONTENT_LENGTH": str(len(body or b"")),
        "wsgi.input": io.BytesIO(body or b""),
    }
    answer = create_app(book)(environ, lambda status, *_: said.append(status))
    return said[0], b"".join(answer).decode()


def counted(book: Book) -> str:
    registry = CollectorRegistry()
    registry.register(book)
    return generate_latest(registry).decode()


def test_a_notification_is_noted_logged_in_one_line_and_shown(caplog: pytest.LogCaptureFixture) -> None:
    book = Book()
    with caplog.at_level(logging.INFO):
        assert ask(book, "/notify", json.dumps(notification()).encode())[0] == "200 OK"
    (line,) = caplog.messages
    assert line == "firing critical ApiDown 'api:8000 The API does not answer'"
    (kept,) = json.loads(ask(book, "/notices")[1])
    assert (kept["name"], kept["status"], kept["receiver"]) == ("ApiDown", "firing", "at-once")
    assert "The API does not answer<br>Start it again." in ask(book, "/")[1]
    assert 'alert_notifications_total{alertname="ApiDown",status="firing"} 1.0' in counted(book)


def test_a_page_without_notices_says_so() -> None:
    assert "Nothing was told yet." in ask(Book(), "/")[1]


def test_what_is_told_cannot_break_out_of_the_page() -> None:
    book = Book()
    book.note(Notification.model_validate(notification(name='<script>"', instance="<b>")))
    page = ask(book, "/")[1]
    assert "<script>" not in page
    assert "<b>" not in page


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'{"receiver": "x", "alerts": [{"status": "odd"}]}'])
def test_what_is_no_notification_is_refused_and_not_kept(body: bytes) -> None:
    book = Book()
    assert ask(book, "/notify", body)[0] == "400 Bad Request"
    assert book.latest() == []


def test_a_notification_has_a_bounded_size() -> None:
    assert ask(Book(), "/notify", b" " * (MOST_BYTES + 1))[0] == "413 Content Too Large"


def test_memory_and_series_are_bounded_whatever_is_posted() -> None:
    book = Book()
    for number in range(MOST_KEPT + MOST_NAMES):
        book.note(Notification.model_validate(notification(name=f"Alert{number}")))
    assert len(book.latest()) == MOST_KEPT
    assert book.latest()[0].name == f"Alert{MOST_KEPT + MOST_NAMES - 1}"
    assert counted(book).count("alert_notifications_total{") == MOST_NAMES + 1
    assert 'alertname="other"' in counted(book)


def test_runbooks_are_served_and_no_other_file() -> None:
    assert ask(Book(), "/runbooks/ApiDown")[0] == "200 OK"
    for path in ("/runbooks/../operations", "/runbooks/README", "/elsewhere"):
        assert ask(Book(), path)[0] == "404 Not Found"
