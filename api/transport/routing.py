"""Routing of requests that name a route imprecisely: a slash at the end is dropped, an unknown parameter is refused."""

from collections.abc import Awaitable
from typing import Final
from urllib.parse import parse_qsl

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from api.contract.field_errors import MAX_ERRORS, body_error, unknown_parameter
from api.errors import InvalidQueryError
from api.transport.access import OPEN_ROUTES

_BROWSER_PAGES: Final = frozenset({"", "/docs/"})
"""Pages with relative links: with another slash at the end, the links would lead elsewhere. They are redirected."""


def install_routing(app: FastAPI) -> None:
    """Route paths with a slash at the end, and check the query parameters of every route that is not for probes."""
    router, not_found = app.router, app.router.default

    async def route_imprecise_path(scope: Scope, receive: Receive, send: Send) -> None:
        path, route_path = scope["path"], get_route_path(scope)
        if scope["type"] == "http" and route_path in _BROWSER_PAGES:
            name = path.rstrip("/").rpartition("/")[2]
            await RedirectResponse(f"../{name}" if route_path else f"{name}/", 308)(scope, receive, send)
        elif scope["type"] == "http" and route_path.endswith("/") and route_path.strip("/"):
            scope["path"] = path.rstrip("/")
            await router(scope, receive, send)
        else:
            await not_found(scope, receive, send)

    router.default = route_imprecise_path
    for route in app.routes:
        if isinstance(route, APIRoute) and route.path not in OPEN_ROUTES:
            documented = (route.openapi_extra or {}).get("parameters", ())
            names = {parameter["name"] for parameter in documented if parameter["in"] == "query"}
            route.app = _CheckedQuery(route.app, frozenset(names))


class _CheckedQuery:
    """A route that refuses query parameters that it does not document: a misspelt one would have no effect."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["query_string"]:
            self._check(scope["query_string"])
        return self._app(scope, receive, send)

    def _check(self, query: bytes) -> None:
        sent = parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True)
        unknown = [(name, value) for name, value in sent if name not in self._names]
        if unknown:
            errors = [
                body_error(name, value, unknown_parameter(name, self._names)).to_json()
                for name, value in unknown[:MAX_ERRORS]
            ]
            message = errors[0]["message"]
            members = {"errors": errors, "error_count": len(unknown)}
            raise InvalidQueryError(f"{message[0].upper()}{message[1:]}.", members=members)
