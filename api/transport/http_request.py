"""Reads headers and bodies of HTTP requests.

Headers are read from the ASGI scope: an object of all headers for each request would cost more than the few look-ups.
"""

from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from api.errors import UnsupportedMediaError

JSON: Final = "application/json"
CSV: Final = "text/csv"
BINARY: Final = "application/octet-stream"


def get_header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of a lower-case name, or None."""
    for header, value in scope["headers"]:
        if header == name:
            return bytes(value)
    return None


def check_media_type(scope: Scope, *accepted: str, default: str = "") -> str:
    """The declared media type of the body, or the default one, which is one of the accepted ones.

    Raises:
        UnsupportedMediaError: the body has another media type, another charset than UTF-8, or is compressed.
    """
    declared = (get_header(scope, b"content-type") or b"").decode("latin-1") or default
    media_type, _, parameters = declared.partition(";")
    media_type = media_type.strip().lower()
    if media_type not in accepted or not _is_utf8(parameters):
        received = f"'{declared[:80]}'" if declared else "no Content-Type"
        raise UnsupportedMediaError(
            f"Send the body as Content-Type: {' or '.join(accepted)} in UTF-8; this request has {received}."
        )
    if (get_header(scope, b"content-encoding") or b"identity").lower() != b"identity":
        raise UnsupportedMediaError("Send the body without Content-Encoding.", headers={"Accept-Encoding": "identity"})
    return media_type


async def read_json_body(request: Request) -> bytes:
    """The bytes of a JSON body.

    Raises:
        UnsupportedMediaError: the body is not declared as JSON.
        BodyTooLargeError, BodyTooSlowError: the body exceeds the size or time limit.
    """
    check_media_type(request.scope, JSON)
    return await request.body()


async def read_body_pieces(request: Request) -> list[bytes]:
    """The body in the pieces in which it arrives; a small body is one piece.

    Raises:
        BodyTooLargeError, BodyTooSlowError: the body exceeds the size or time limit.
        ClientDisconnect: the client disconnected.
    """
    pieces: list[bytes] = []
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return pieces


def _is_utf8(parameters: str) -> bool:
    """Whether the parameters of a media type name no other charset than UTF-8."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip(' "').lower() != "utf-8":
            return False
    return True
