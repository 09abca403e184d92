"""What the routes that take records have in common: how a body is sent, and its documentation."""

from typing import Any, Final

from fastapi import Request
from starlette.datastructures import Headers

from api.errors import UnsupportedMediaError
from api.schemas import KNOWN_PATIENT, SHORT_RECORD
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


async def body_of(request: Request) -> bytes:
    """The bytes of a JSON body.

    Raises:
        UnsupportedMediaError: it is not declared as plain JSON.
        BodyTooLargeError: it is larger than the service accepts.
    """
    _check_media_type(request.headers)
    return await request.body()


def _check_media_type(headers: Headers) -> None:
    given = headers.get("content-type", "")
    kind, _, parameters = given.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        shown = f"'{given[:80]}'" if given else "no Content-Type"
        raise UnsupportedMediaError(f"Send the body as Content-Type: application/json in UTF-8; this one had {shown}.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaError("Send the body without Content-Encoding.", headers={"Accept-Encoding": "identity"})
