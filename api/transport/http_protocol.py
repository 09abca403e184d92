"""HTTP/1.1 on a connection: uvicorn's protocol, with ignored upgrades and with limits for headers and idle connections.

Java's HttpClient and ``curl --http2`` send ``Upgrade: h2c`` by default. HTTP allows a server to ignore it, but the
parser takes whatever follows the headers for the other protocol, so the body would be lost.
"""

from asyncio import AbstractEventLoop, TimerHandle, Transport
from http import HTTPStatus
from typing import Any, Final, cast

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.transport.error_responses import PROBLEM_JSON

MAX_HEAD_BYTES: Final = 64 * 1024
"""Size limit of a request line with its headers, without what comes in one read."""

_UPGRADE_TOKENS: Final = frozenset({b"upgrade", b"http2-settings"})
_UPGRADE_HEADERS: Final = frozenset({b"upgrade", b"http2-settings", b"connection"})


class _JoinedWrites:
    """A transport that sends headers and the body that follows at once in one system call; uvicorn uses two."""

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info
        self.pause_reading, self.resume_reading = transport.pause_reading, transport.resume_reading

    def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 "):
            self._head = data
            self._loop.call_soon(self._flush)
            return
        self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head:
            self._transport.write(self._head)
            self._head = b""


class HttpProtocol(HttpToolsProtocol):
    """One connection. Requests with an upgrade are answered over HTTP/1.1, and WebSockets are not accepted."""

    def __init__(self, *arguments: Any, header_seconds: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._header_seconds = header_seconds
        self._header_timer: TimerHandle | None = None
        self._head_bytes = 0
        self._is_in_head = False
        self._is_in_body = False
        self._has_ended = False  # a request, within the data that have just arrived

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Limit the time until the first request, as between requests."""
        super().connection_made(cast(Transport, _JoinedWrites(transport, self.loop)))
        self._limit_idle_time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_header_timer()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived. Headers that arrive at once, as they nearly always do, need no timer."""
        self._unset_keepalive_if_required()
        self._has_ended = False
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self.send_400_response("The request is not valid HTTP/1.1.")
        if self.cycle is not None and not self.cycle.response_complete:
            if self._header_timer is not None:
                self._stop_header_timer()
        elif self.transport.is_closing() or self.timeout_keep_alive_task is not None:
            return
        elif self._is_in_body or (self._has_ended and not self._is_in_head):  # of a request that is answered already
            self._limit_idle_time()
        else:
            self._limit_headers(0 if self._has_ended else len(data))

    def on_message_begin(self) -> None:
        """Begin the headers of a request."""
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin the request, unless its headers are going to be parsed again without the upgrade."""
        if not self.parser.should_upgrade():
            self._is_in_head, self._is_in_body = False, True
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the request's body, which has not begun if the headers are going to be parsed again."""
        if not self.parser.should_upgrade():
            self._is_in_body, self._has_ended = False, True
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _parse(self, data: bytes | memoryview) -> None:
        while True:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                if self.parser.get_method() == b"CONNECT":
                    self.send_400_response("CONNECT is not supported: this service is not a proxy.")
                    return
                head, data = self._head_without_upgrade(), memoryview(data)[upgrade.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.feed_data(head)

    def _head_without_upgrade(self) -> bytes:
        """The request line and the headers of the current request, without those that ask for another protocol."""
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % (name, value) for name, value in self.headers if name not in _UPGRADE_HEADERS]
        tokens = [token for name, value in self.headers if name == b"connection" for token in value.split(b",")]
        lines += [b"connection: " + token for token in tokens if token.strip().lower() not in _UPGRADE_TOKENS]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _limit_idle_time(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _limit_headers(self, size: int) -> None:
        """Limit time and size of headers of which a part has arrived."""
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(self._header_seconds, self._refuse_slow_headers)
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            too_large = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            self._refuse(too_large, f"The headers have more than {MAX_HEAD_BYTES} bytes.")

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None
            self._head_bytes = 0

    def _refuse_slow_headers(self) -> None:
        self._refuse(
            HTTPStatus.REQUEST_TIMEOUT,
            f"The headers did not arrive within {self._header_seconds:g} seconds (HEADER_TIMEOUT_SECONDS).",
        )

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer a request that never reaches the application, and close the connection."""
        if self.transport.is_closing():
            return
        problem = orjson.dumps({"type": "about:blank", "title": status.phrase, "status": status, "detail": detail})
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {PROBLEM_JSON}\r\n"
        head += f"content-length: {len(problem)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + problem)
        self.transport.close()
