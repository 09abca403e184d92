"""ASGI middleware: request id and request metrics; admission control and limits of the body."""

import re
from asyncio import get_running_loop, timeout_at
from time import perf_counter
from typing import Final
from uuid import uuid4

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.admission import Admission
from api.errors import BodyTooLargeError, BodyTooSlowError, OverloadedError
from api.telemetry.metrics import Metrics
from api.transport.error_responses import on_api_error
from api.transport.http_request import get_header

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
"""Accepted request ids: the formats of tracing tools, and no character that could break a log line."""

_METHODS_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS"})


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

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._metrics.in_flight.dec()
            template = getattr(scope.get("route"), "path", "unmatched")
            self._metrics.observe_request(scope["method"], template, status, perf_counter() - started)


class AdmissionMiddleware:
    """Sheds load above the limits, and enforces the size and time limits of bodies.

    Methods without a body pass: probes and metrics are answered under any load.
    """

    def __init__(self, app: ASGIApp, admission: Admission, max_bytes: int, seconds: float) -> None:
        self._app = app
        self._admission = admission
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] in _METHODS_WITHOUT_BODY:
            await self._app(scope, receive, send)
            return
        admission, declared = self._admission, _declared_length(scope)
        try:
            admission.admit(min(declared, self._max_bytes))
        except OverloadedError as error:
            response = await on_api_error(Request(scope), error)
            await response(scope, receive, send)
            return
        size = 0
        is_complete = False
        deadline = get_running_loop().time() + self._seconds

        async def receive_within_limits() -> Message:
            nonlocal size, is_complete
            if is_complete:
                return await receive()  # waits for the disconnect, without a time limit
            if declared > self._max_bytes:
                raise self._too_large()
            try:
                async with timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise BodyTooSlowError(f"The body did not arrive within {self._seconds:g} seconds.") from None
            length = len(message.get("body", b""))
            if size + length > self._max_bytes:
                raise self._too_large()
            size += length
            admission.receive(length)
            is_complete = not message.get("more_body", False)
            return message

        try:
            await self._app(scope, receive_within_limits, send)
        finally:
            admission.release(size)

    def _too_large(self) -> BodyTooLargeError:
        return BodyTooLargeError(
            f"The body has more than {self._max_bytes} bytes: send the records in several requests."
        )


def _request_id(scope: Scope) -> str:
    header = get_header(scope, b"x-request-id")
    return header.decode("ascii") if header is not None and _REQUEST_ID.fullmatch(header) else uuid4().hex


def _declared_length(scope: Scope) -> int:
    header = get_header(scope, b"content-length")
    return int(header[:20]) if header is not None and header.isdigit() else 0
