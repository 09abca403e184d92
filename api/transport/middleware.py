"""What happens around every request, as plain ASGI: id, metrics, bounds of the load and of the body."""

import re
from asyncio import get_running_loop, timeout_at
from time import perf_counter
from typing import Final
from uuid import uuid4

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.admission import Admission
from api.errors import BodyTooLargeError, BodyTooSlowError, OverloadedError, problem_of
from api.telemetry.metrics import Metrics
from api.transport.headers import header_of

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
"""Ids of others that are taken over: what tracing tools use, and nothing that could break a log line."""

_IDLE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Observe:
    """Gives each request an id, sends it back, and measures the time to the end of the answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
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


class Admit:
    """Lets in what the service can do soon, and of it only bodies that are small and fast enough.

    Only requests with work in them: whoever asks how the service is gets an answer however busy it is.
    """

    def __init__(self, app: ASGIApp, load: Admission, max_bytes: int, seconds: float) -> None:
        self._app = app
        self._load = load
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] in _IDLE_METHODS:
            await self._app(scope, receive, send)
            return
        load, declared = self._load, _declared_length(scope)
        try:
            load.admit(min(declared, self._max_bytes))
        except OverloadedError as error:
            await problem_of(Request(scope), error)(scope, receive, send)
            return
        size = 0
        is_complete = False
        deadline = get_running_loop().time() + self._seconds

        async def receive_some() -> Message:
            nonlocal size, is_complete
            if is_complete:
                return await receive()  # waits for the client to leave, for as long as that takes
            if declared > self._max_bytes:
                raise self._too_large()
            try:
                async with timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise BodyTooSlowError(f"The body had not arrived after {self._seconds:g} seconds.") from None
            part = len(message.get("body", b""))
            size += part
            if size > self._max_bytes:
                size -= part
                raise self._too_large()
            load.receive(part)
            is_complete = not message.get("more_body", False)
            return message

        try:
            await self._app(scope, receive_some, send)
        finally:
            load.leave(size)

    def _too_large(self) -> BodyTooLargeError:
        return BodyTooLargeError(
            f"The body has more than {self._max_bytes} bytes: send the records in several requests."
        )


def _request_id(scope: Scope) -> str:
    given = header_of(scope, b"x-request-id")
    return given.decode("ascii") if given is not None and _REQUEST_ID.fullmatch(given) else uuid4().hex


def _declared_length(scope: Scope) -> int:
    given = header_of(scope, b"content-length")
    return int(given[:20]) if given is not None and given.isdigit() else 0
