"""ASGI middleware: request id and metrics; admission control; limits of requests' bodies and of streamed answers."""

import re
from asyncio import get_running_loop, timeout
from collections.abc import Awaitable
from time import perf_counter
from typing import Final
from uuid import uuid4

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.admission import Admission
from api.errors import BodyTooLargeError, BodyTooSlowError, OverloadedError
from api.settings import ApiSettings
from api.telemetry.metrics import Metrics
from api.transport.content_encoding import GZIP, InflatedBody
from api.transport.error_responses import on_api_error
from api.transport.http_request import get_header

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
"""Accepted request ids: the formats of tracing tools, and no character that could break a log line."""

SEND_SECONDS: Final = 60

_METHODS_WITHOUT_BODY: Final = frozenset({"GET", "OPTIONS"})


class ObservabilityMiddleware:
    """Gives each request an id, returns it as a header, and measures the time until the response has been sent."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        header = (b"x-request-id", request_id.encode("ascii"))
        status = 500

        def send_with_id(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), header]
            return send(message)

        self._metrics.in_flight.inc()
        # The server leaves out the body of a response to HEAD; all other differences would be errors.
        inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self._app(inner, receive, send_with_id)
        finally:
            self._metrics.in_flight.dec()
            template = getattr(inner.get("route"), "path", "unmatched")
            self._metrics.observe_request(scope["method"], template, status, perf_counter() - started)


class SendTimeoutError(Exception):
    """The client accepts no more data of a streamed answer."""


class SendTimeoutMiddleware:
    """Ends a streamed answer whose client accepts no data for :data:`SEND_SECONDS`.

    It encloses the compression, so waiting for the threads of this service does not count.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle one request."""

        async def send_in_time(message: Message) -> None:
            if not message.get("more_body", False):
                await send(message)
                return
            try:
                async with timeout(SEND_SECONDS):
                    await send(message)
            except TimeoutError:
                raise SendTimeoutError from None

        return self._app(scope, receive, send_in_time)


class AdmissionMiddleware:
    """Sheds load above the limits, and enforces the size and time limits of bodies.

    Methods without a body pass: probes and metrics are answered under any load.
    """

    def __init__(self, app: ASGIApp, admission: Admission, settings: ApiSettings) -> None:
        self._app = app
        self._admission = admission
        self._max_bytes = settings.max_body_bytes
        self._idle_seconds = settings.body_timeout_seconds
        self._min_rate = settings.body_min_bytes_per_second

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] in _METHODS_WITHOUT_BODY:
            await self._app(scope, receive, send)
            return
        admission, declared = self._admission, _declared_length(scope)
        is_too_large = declared > self._max_bytes
        try:
            admission.admit(0 if is_too_large else declared)  # a body that is too large is refused unread
        except OverloadedError as error:
            response = await on_api_error(Request(scope), error)
            await response(scope, receive, send)
            return
        if is_too_large:
            receive_piece: Receive = self._refuse
        else:
            receive_piece = _TimedBody(receive, self._idle_seconds, self._min_rate).receive
            if (get_header(scope, b"content-encoding") or b"").lower() in GZIP:
                receive_piece = InflatedBody(receive_piece).receive
        size = 0
        is_complete = False

        async def receive_within_limits() -> Message:
            nonlocal size, is_complete
            if is_complete:
                return await receive()  # waits for the disconnect, without a time limit
            message = await receive_piece()
            length = len(message.get("body", b""))
            if size + length > self._max_bytes:
                await self._refuse()
            size += length
            admission.receive(length)
            is_complete = not message.get("more_body", False)
            return message

        try:
            await self._app(scope, receive_within_limits, send)
        finally:
            admission.release(size)

    async def _refuse(self) -> Message:
        raise BodyTooLargeError(
            f"The body has more than {self._max_bytes} bytes (MAX_BODY_BYTES): send the records in several requests."
        )


class _TimedBody:
    """The body of a request, limited in idle time and in rate. The time between the calls does not count."""

    __slots__ = ("_bytes", "_idle_seconds", "_loop", "_min_rate", "_receive", "_waited")

    def __init__(self, receive: Receive, idle_seconds: float, min_rate: int) -> None:
        self._receive = receive
        self._idle_seconds = idle_seconds
        self._min_rate = min_rate
        self._loop = get_running_loop()
        self._waited = 0.0
        self._bytes = 0

    async def receive(self) -> Message:
        """The next message of the body.

        Raises:
            BodyTooSlowError: nothing arrived for too long, or less than the minimum rate.
        """
        started = self._loop.time()
        try:
            async with timeout(self._idle_seconds):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlowError(
                f"Nothing of the body arrived for {self._idle_seconds:g} seconds (BODY_TIMEOUT_SECONDS)."
            ) from None
        self._waited += self._loop.time() - started
        self._bytes += len(message.get("body", b""))
        is_slow = self._waited > self._idle_seconds and self._bytes < self._min_rate * self._waited
        if is_slow and message.get("more_body", False):
            raise BodyTooSlowError(
                f"The body arrives at less than {self._min_rate} bytes per second (BODY_MIN_BYTES_PER_SECOND)."
            )
        return message


def _request_id(scope: Scope) -> str:
    header = get_header(scope, b"x-request-id")
    return header.decode("ascii") if header is not None and _REQUEST_ID.fullmatch(header) else uuid4().hex


def _declared_length(scope: Scope) -> int:
    header = get_header(scope, b"content-length")
    return int(header[:20]) if header is not None and header.isdigit() else 0
