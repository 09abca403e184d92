"""gzip in both directions: bodies of requests are inflated as they are read, answers above 1 KB are compressed."""

import asyncio
import re
import zlib
from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import MalformedBodyError
from api.transport.http_request import get_header

GZIP: Final = frozenset({b"gzip", b"x-gzip"})
PIECE_BYTES: Final = 64 * 1024
"""Inflated bytes in a message: the limits of the body are checked after each."""

MIN_BYTES: Final = 1024
"""Smaller answers are sent as they are."""

THREAD_BYTES: Final = 32 * 1024
"""Larger pieces of answers are compressed in a thread."""

_WINDOW: Final = 31  # of zlib: a window of 32 KiB, with the header and checksum of gzip
_LEVEL: Final = 1
_COMPRESSIBLE: Final = re.compile(rb"text/|application/(?:[\w.+-]+\+)?(?:json|openmetrics-text)")
_REFUSED: Final = re.compile(rb"\s*q=0(?:\.0*)?\s*")


class InflatedBody:
    """The body of a request with ``Content-Encoding: gzip``, inflated. Memory does not depend on how much it inflates.

    Raises:
        MalformedBodyError: while reading; the body is not gzip, or not complete.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._decoder = zlib.decompressobj(_WINDOW)
        self._rest = b""  # received, but not inflated
        self._is_full = False  # the last piece: the decoder may hold more output
        self._more_body = True

    async def receive(self) -> Message:
        """The next message of the body."""
        await asyncio.sleep(0)  # one received message inflates to many; other requests run between them
        while True:
            if piece := self._inflate():
                return {"type": "http.request", "body": piece, "more_body": True}
            if not self._more_body:
                if not self._decoder.eof:
                    raise MalformedBodyError("The body is not complete: its gzip stream has no end.")
                return {"type": "http.request", "body": b"", "more_body": False}
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return message
            self._rest, self._more_body = message.get("body", b""), message.get("more_body", False)

    def _inflate(self) -> bytes:
        """The next inflated piece of what has been received; empty if there is none."""
        while self._rest or self._is_full:
            if self._decoder.eof:  # gzip files may be concatenated
                self._decoder = zlib.decompressobj(_WINDOW)
            try:
                piece = self._decoder.decompress(self._rest, PIECE_BYTES)
            except zlib.error:
                raise MalformedBodyError("The body is not gzip, although Content-Encoding declares it.") from None
            self._rest = self._decoder.unconsumed_tail or self._decoder.unused_data
            self._is_full = len(piece) == PIECE_BYTES and not self._decoder.eof
            if piece:
                return piece
        return b""


class CompressionMiddleware:
    """Compresses answers above :data:`MIN_BYTES` for clients that accept gzip; streamed ones piece by piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle one request."""
        return self._app(scope, receive, _Answer(scope, send).send if scope["type"] == "http" else send)


class _Answer:
    __slots__ = ("_encoder", "_scope", "_send", "_start")

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._start: Message | None = None
        self._encoder: zlib._Compress | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Send a message of the answer, compressed if that is worth it."""
        if message["type"] == "http.response.start" and _is_compressible(message):
            message["headers"] = [*message["headers"], (b"vary", b"accept-encoding")]
            if _accepts_gzip(get_header(self._scope, b"accept-encoding")):
                self._encoder = zlib.compressobj(_LEVEL, wbits=_WINDOW)
        return self._send(message) if self._encoder is None else self._send_compressed(self._encoder, message)

    async def _send_compressed(self, encoder: "zlib._Compress", message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        message = {**message, "body": await _compress(encoder, message)}
        if self._start is not None:
            await self._send(_with_headers(self._start, message))
            self._start = None
        await self._send(message)


async def _compress(encoder: "zlib._Compress", message: Message) -> bytes:
    body, more_body = message.get("body", b""), message.get("more_body", False)

    def compress() -> bytes:
        # Each piece is complete for the client, which can show the file as it arrives.
        return encoder.compress(body) + encoder.flush(zlib.Z_SYNC_FLUSH if more_body else zlib.Z_FINISH)

    return compress() if len(body) <= THREAD_BYTES else await asyncio.to_thread(compress)


def _is_compressible(start: Message) -> bool:
    """Whether an answer is text, long or streamed, and not compressed yet."""
    content_type = b""
    for name, value in start.get("headers", ()):
        if name == b"content-length":
            if int(value) < MIN_BYTES:
                return False
        elif name == b"content-type":
            content_type = value
        elif name == b"content-encoding":
            return False
    return _COMPRESSIBLE.match(content_type) is not None


def _accepts_gzip(header: bytes | None) -> bool:
    """Whether a client accepts gzip, given its Accept-Encoding."""
    for part in (header or b"").lower().split(b","):
        coding, _, quality = part.partition(b";")
        if coding.strip() in GZIP:
            return _REFUSED.fullmatch(quality) is None
    return False


def _with_headers(start: Message, first: Message) -> Message:
    """The start of a compressed answer, with its length if the first piece is all of it."""
    headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    headers.append((b"content-encoding", b"gzip"))
    if not first.get("more_body", False):
        headers.append((b"content-length", str(len(first["body"])).encode()))
    return {**start, "headers": headers}
