"""Errors of the service, each of which becomes one problem document (RFC 9457), or what stands for it elsewhere.

ApiError
├── MalformedBodyError     400  the body is not JSON, or the file no text
├── NoKeyError             401  the service asks for a key, and got none of its own
├── NotServedError         404  the address names a model or a version that is not served
├── BodyTooSlowError       408  the body does not arrive in time
├── BodyTooLargeError      413
├── UnsupportedMediaError  415  the body is not declared as JSON
├── InvalidRecordsError    422  the body is JSON, but not what a record may be
├── InvalidQueryError      422  a parameter of the address has a value that is not allowed
├── TooManyRequestsError   429  the client asks too often
├── NoDatabaseError        503  PostgreSQL is away, and this cannot be done without it
├── NoModelError           503  there is nothing to answer with
└── OverloadedError        503  there is too much to do already
"""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.transport.error_formats import format_error
from ml.core.errors import PlatformError

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

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.detail, self.headers, self.members)


def _again(kind: type[ApiError], detail: str, headers: dict[str, str], members: dict[str, Any]) -> ApiError:
    """The same error in another process."""
    error = kind.__new__(kind)
    ApiError.__init__(error, detail, headers=headers, members=members)
    return error


class MalformedBodyError(ApiError):
    """The body is not JSON, or the file no text."""

    status, slug, title = 400, "malformed-body", "Malformed body"


class BodyTooSlowError(ApiError):
    """The body did not arrive within the time that it may take."""

    status, slug, title = 408, "body-too-slow", "Body too slow"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Connection": "close"})


class NoKeyError(ApiError):
    """The service asks for a key, and got none of its own."""

    status, slug, title = 401, "no-key", "No key"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="readmission"'})


class NotServedError(ApiError):
    """The address names a model or a version that is not served."""

    status, slug, title = 404, "not-served", "Not served"


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


class TooManyRequestsError(ApiError):
    """The client asks too often."""

    status, slug, title = 429, "too-many-requests", "Too many requests"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class NoDatabaseError(ApiError):
    """PostgreSQL is away, and this cannot be done without it."""

    status, slug, title = 503, "no-database", "No database"

    def __init__(self) -> None:
        super().__init__("PostgreSQL cannot be reached; try again in a moment.", headers={"Retry-After": "5"})


class NoModelError(ApiError):
    """There is no model to answer with."""

    status, slug, title = 503, "no-model", "No model"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Retry-After": "5"})


class OverloadedError(ApiError):
    """More is being done already than can be done soon; what is refused costs next to nothing."""

    status, slug, title = 503, "overloaded", "Overloaded"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Retry-After": "1"})


def install_handlers(app: FastAPI) -> None:
    """Have every error of the application answered as a problem document."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_bug)


async def _on_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 -- narrows what the framework types as Exception
    return problem_of(request, error)


def problem_of(request: Request, error: ApiError) -> Response:
    """The problem document of an error."""
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
    problem = {
        "type": f"urn:readmission:problem:{slug}" if slug else "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.scope.get("path", "/").encode(errors="replace").decode(),
        "request_id": request_id_of(request),
        **(members or {}),
    }
    told, document, media_type = format_error(request.scope.get("path", "/"), problem)
    return Response(orjson.dumps(document), told, headers, media_type=media_type)
