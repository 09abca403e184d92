"""What the routes that take records have in common: how a body is sent, and its documentation."""

from typing import Any, Final

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from api.contract.requests import KNOWN_PATIENT, SHORT_RECORD
from api.errors import UnsupportedMediaError
from api.transport.headers import header_of
from ml.schema import EXAMPLE_RECORD

EXAMPLES: Final[dict[str, Any]] = {
    "three fields": {
        "summary": "Three fields; all others are unknown",
        "value": {"records": [SHORT_RECORD]},
    },
    "known patient": {
        "summary": "Three fields, and whose they are: earlier stays are looked up",
        "value": {"records": [KNOWN_PATIENT]},
    },
    "full record": {"summary": "All 47 fields", "value": {"records": [EXAMPLE_RECORD]}},
}
REQUEST_ID_HEADER: Final[dict[str, Any]] = {
    "name": "X-Request-ID",
    "in": "header",
    "schema": {"type": "string"},
    "description": "Comes back in the answer; generated when absent, longer than 128, or of odd characters.",
}
INTERVAL: Final = "interval"
INTERVAL_PARAMETER: Final[dict[str, Any]] = {
    "name": INTERVAL,
    "in": "query",
    "schema": {"type": "boolean", "default": False},
    "description": "Whether to tell, for each record, the range of answers that knowing everything would give.",
}
LOAD_TEST_HEADER: Final[dict[str, Any]] = {
    "name": "X-Load-Test",
    "in": "header",
    "schema": {"type": "string"},
    "description": "1 marks the traffic of a load test.",
}

JSON: Final = "application/json"
CSV: Final = "text/csv"


async def body_of(request: Request) -> bytes:
    """The bytes of a JSON body.

    Raises:
        UnsupportedMediaError: it is not declared as plain JSON.
        BodyTooLargeError: it is larger than the service accepts.
    """
    media_type_of(request.scope, JSON)
    return await request.body()


async def pieces_of(request: Request) -> list[bytes]:
    """The bytes of a body as they arrive, which for a small one is in one piece.

    Raises:
        BodyTooLargeError, BodyTooSlowError: it is larger than the service accepts, or too slow.
        ClientDisconnect: the client has left.
    """
    pieces: list[bytes] = []
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return pieces


def media_type_of(scope: Scope, *accepted: str) -> str:
    """How a body is declared: one of the accepted types.

    Raises:
        UnsupportedMediaError: as another one, in another encoding than UTF-8, or compressed.
    """
    given = (header_of(scope, b"content-type") or b"").decode("latin-1")
    kind, _, parameters = given.partition(";")
    kind = kind.strip().lower()
    if kind not in accepted or not _is_utf8(parameters):
        shown = f"'{given[:80]}'" if given else "no Content-Type"
        wanted = " or ".join(accepted)
        raise UnsupportedMediaError(f"Send the body as Content-Type: {wanted} in UTF-8; this one had {shown}.")
    if (header_of(scope, b"content-encoding") or b"identity").lower() != b"identity":
        raise UnsupportedMediaError("Send the body without Content-Encoding.", headers={"Accept-Encoding": "identity"})
    return kind


def _is_utf8(parameters: str) -> bool:
    """Whether the parameters of a media type name no other encoding."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip(' "').lower() != "utf-8":
            return False
    return True
