"""Reads headers and bodies of HTTP requests.

Headers are read from the ASGI scope: an object of all headers for each request would cost more than the few look-ups.
"""

from collections.abc import Set
from math import inf
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from api.errors import UnsupportedMediaError

JSON: Final = "application/json"
CSV: Final = "text/csv"
BINARY: Final = "application/octet-stream"

_ALIASES: Final = {"application/csv": CSV, "application/vnd.ms-excel": CSV}
"""Other names of media types, as Windows, browsers and older programs send them."""

_ENCODINGS: Final = frozenset({b"", b"identity", b"gzip", b"x-gzip"})
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_LEGACY: Final = {"utf-16", "utf-16le", "utf-16be", "iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252"}
_FILE_CHARSETS: Final = _UTF8 | _LEGACY
"""Charsets that a CSV file may be declared with: its reader finds out which of them it has."""


def get_header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of a lower-case name, or None."""
    for header, value in scope["headers"]:
        if header == name:
            return bytes(value)
    return None


def is_load_test(scope: Scope) -> bool:
    """Whether the request is marked as no production traffic."""
    return get_header(scope, b"x-load-test") == b"1"


def check_media_type(scope: Scope, *accepted: str, default: str = "") -> str:
    """The declared media type of the body, or the default one, which is one of the accepted ones.

    Aliases count as the type that they stand for.

    Raises:
        UnsupportedMediaError: the body has another media type, charset or encoding than UTF-8 and gzip.
    """
    declared = (get_header(scope, b"content-type") or b"").decode("latin-1") or default
    media_type, _, parameters = declared.partition(";")
    media_type = media_type.strip().lower()
    media_type = _ALIASES.get(media_type, media_type)
    charsets = _FILE_CHARSETS if media_type == CSV else _UTF8
    if media_type not in accepted or (parameters and not _has_charset(parameters, charsets)):
        received = f"'{declared[:80]}'" if declared else "no Content-Type"
        raise UnsupportedMediaError(
            f"Send the body as Content-Type: {' or '.join(accepted)} in UTF-8; this request has {received}."
        )
    encoding = get_header(scope, b"content-encoding")
    if encoding is not None and encoding.lower() not in _ENCODINGS:
        received = encoding[:40].decode("latin-1")
        raise UnsupportedMediaError(
            f"Send the body with Content-Encoding: gzip, or without Content-Encoding; this request has '{received}'.",
            headers={"Accept-Encoding": "gzip, identity"},
        )
    return media_type


async def read_json_body(request: Request) -> bytes:
    """The bytes of a JSON body.

    Raises:
        UnsupportedMediaError: the body is not declared as JSON.
        BodyTooLargeError, BodyTooSlowError: the body exceeds the size or time limit.
    """
    check_media_type(request.scope, JSON)
    return await request.body()


async def read_body_pieces(request: Request, enough: float = inf) -> tuple[list[bytes], bool]:
    """The body in the pieces in which it arrives, and whether it is complete; a small body is one piece.

    Reading stops after more than `enough` bytes; the next call returns the rest.

    Raises:
        BodyTooLargeError, BodyTooSlowError: the body exceeds the size or time limit.
        ClientDisconnect: the client disconnected.
    """
    pieces: list[bytes] = []
    size = 0
    while size <= enough:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return pieces, True
        size += len(pieces[-1])
    return pieces, False


def _has_charset(parameters: str, charsets: Set[str]) -> bool:
    """Whether the parameters of a media type name none but the given charsets."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip(' "').lower() not in charsets:
            return False
    return True
