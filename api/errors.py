"""Errors of the service, each of which becomes one problem document (RFC 9457).

ApiError
├── MalformedBodyError     400  the body is not JSON
├── BodyTooLargeError      413
├── UnsupportedMediaError  415  the body is not declared as JSON
├── InvalidRecordsError    422  the body is JSON, but not what a record may be
├── InvalidQueryError      422  a parameter of the address has a value that is not allowed
└── NoModelError           503  there is nothing to answer with
"""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ml.errors import PlatformError

PROBLEM_JSON = "application/problem+json"
logger = logging.getLogger(__name__)


class ApiError(PlatformError):
    """Base: a request that cannot be answered, with all that its problem document says."""

    status = 500
    slug = "internal-error"
    title = "Internal error"

    def __init__(
        self, detail: str, *, headers: dict[str, str] | None = None, members: dict[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}
        self.members = members or {}


class MalformedBodyError(ApiError):
    """The body is not JSON."""

    status, slug, title = 400, "malformed-body", "Malformed body"


class BodyTooLargeError(ApiError):
    """The body has more bytes than the service accepts."""

    status, slug, title = 413, "body-too-large", "Body too large"


class UnsupportedMediaError(ApiError):
    """The body is not declared as plain JSON."""

    status, slug, title = 415, "unsupported-media-type", "Unsupported media type"


class InvalidRecordsError(ApiError):
    """The body is JSON, but not what the service can score."""

    status, slug, title = 422, "invalid-records", "Invalid records"

    def __init__(self, detail: str, errors: Sequence[dict[str, Any]], count: int) -> None:
        super().__init__(detail, members={"errors": list(errors), "error_count": count})


class InvalidQueryError(ApiError):
    """A parameter of the address has a value that is not allowed."""

    status, slug, title = 422, "invalid-query", "Invalid query"

    def __init__(self, detail: str, error: dict[str, Any]) -> None:
        super().__init__(detail, members={"errors": [error], "error_count": 1})


class NoModelError(ApiError):
    """There is no model to answer with."""

    status, slug, title = 503, "no-model", "No model"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Retry-After": "5"})


def install_handlers(app: FastAPI) -> None:
    """Have every error of the application answered as a problem document."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_bug)


async def _on_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 -- narrows what the framework types as Exception
    return _problem(
        request, error.status, error.title, error.detail, slug=error.slug, headers=error.headers, members=error.members
    )


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 -- as above
    headers = dict(error.headers or {})
    match error.status_code:
        case 404:
            detail = "There is nothing here; the routes are listed under /docs."
        case 405:
            detail = f"{request.method} is not answered here; use {headers.get('Allow', 'another method')}."
        case _:
            detail = error.detail
    return _problem(request, error.status_code, HTTPStatus(error.status_code).phrase, detail, headers=headers)


async def _on_disconnect(request: Request, _: Exception) -> Response:
    return _problem(request, 400, "Incomplete request", "The client left before its body had arrived.")


async def _on_bug(request: Request, error: Exception) -> Response:
    logger.error(
        "%s %s failed: %s, request %s", request.method, request.url.path, type(error).__name__, request_id_of(request)
    )
    response = _problem(request, 500, "Internal error", "The service failed on this request; its log says why.")
    # This answer is sent from outside the middleware that adds the header to all others.
    response.headers["x-request-id"] = request_id_of(request)
    return response


def request_id_of(request: Request) -> str:
    """Id of the request: the client's own or a generated one."""
    return str(getattr(request.state, "request_id", ""))


def _problem(
    request: Request,
    status: int,
    title: str,
    detail: str,
    *,
    slug: str | None = None,
    headers: dict[str, str] | None = None,
    members: dict[str, Any] | None = None,
) -> Response:
    document = {
        "type": f"urn:readmission:problem:{slug}" if slug else "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.scope.get("path", "/").encode(errors="replace").decode(),
        "request_id": request_id_of(request),
        **(members or {}),
    }
    return Response(orjson.dumps(document), status, headers, media_type=PROBLEM_JSON)
