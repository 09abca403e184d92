"""Error responses: problem documents (RFC 9457), or the error format of the protocol that the path belongs to."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.errors import ApiError

logger = logging.getLogger(__name__)

PROBLEM_JSON: Final = "application/problem+json"
_JSON: Final = "application/json"
_MLFLOW_PATHS: Final = frozenset({"/invocations", "/ping", "/version"})
_MLFLOW_CODES: Final = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "ENDPOINT_NOT_FOUND",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}
_OPEN_INFERENCE: Final = "/v2"


def install_error_handlers(app: FastAPI) -> None:
    """Turn every exception of the application into an error response."""
    app.add_exception_handler(ApiError, on_api_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_unexpected_error)


async def on_api_error(request: Request, error: Exception) -> Response:
    """The response to a request that failed with an :class:`ApiError`."""
    assert isinstance(error, ApiError)  # noqa: S101 -- narrows what the framework types as Exception
    return _response(request, error.status, error.title, error.detail, error.slug, error.headers, error.members)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 -- as above
    headers = dict(error.headers or {})
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"
    match error.status_code:
        case 404:
            detail = "Not found; the routes are listed under /docs."
        case 405:
            detail = f"{request.method} is not allowed here; use {headers.get('Allow', 'another method')}."
        case _:
            detail = error.detail
    return _response(request, error.status_code, HTTPStatus(error.status_code).phrase, detail, headers=headers)


async def _on_disconnect(request: Request, _: Exception) -> Response:
    return _response(request, 400, "Incomplete request", "The client disconnected before the whole body had arrived.")


async def _on_unexpected_error(request: Request, error: Exception) -> Response:
    request_id = _request_id(request)
    logger.error("%s %s failed: %s, request %s", request.method, request.url.path, type(error).__name__, request_id)
    response = _response(request, 500, "Internal error", "The service failed on this request; see its log.")
    # Starlette sends this response from outside the middleware that adds the header to all others.
    response.headers["x-request-id"] = request_id
    return response


def _response(
    request: Request,
    status: int,
    title: str,
    detail: str,
    slug: str | None = None,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    route_path = get_route_path(request.scope)
    path = request.scope.get("root_path", "") + route_path  # as it is published; a proxy may have stripped the prefix
    problem = {
        "type": f"urn:readmission:problem:{slug}" if slug else "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": path.encode(errors="replace").decode(),
        "request_id": _request_id(request),
        **(members or {}),
    }
    status, document, media_type = _format(route_path, problem)
    return Response(orjson.dumps(document), status, headers, media_type=media_type)


def _format(path: str, problem: dict[str, Any]) -> tuple[int, dict[str, Any], str]:
    """Status, document and media type of a problem in the format of the path's protocol."""
    status: int = problem["status"]
    protocol_status = 400 if status == 422 else status  # neither protocol has 422
    if path in _MLFLOW_PATHS:
        code = _MLFLOW_CODES.get(protocol_status, "BAD_REQUEST")
        return protocol_status, {"error_code": code, "message": problem["detail"]}, _JSON
    if path == _OPEN_INFERENCE or path.startswith(f"{_OPEN_INFERENCE}/"):
        return protocol_status, {"error": problem["detail"]}, _JSON
    return status, problem, PROBLEM_JSON


def _request_id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))
