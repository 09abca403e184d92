"""Access control: API keys and rate limit in front of the protected routes.

Without keys and rate limit, the default, the routes are not wrapped at all. Otherwise a request is checked before its
body is read.
"""

from typing import Any, Final

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import LoadTestMarkError, NoKeyError, TooManyRequestsError
from api.keys import ApiKeys
from api.settings import ApiSettings
from api.transport.http_request import is_load_test
from api.transport.rate_limit import RateLimiter, client_of_address
from ml.core.errors import SettingsError
from ml.core.pseudonyms import Pseudonyms

OPEN_ROUTES: Final = frozenset(
    {
        "/", "/docs", "/docs/{name}", "/openapi.json", "/health", "/ready", "/metrics", "/ping", "/version", "/v2",
        "/v2/health/live", "/v2/health/ready", "/v2/models/{name}/ready",
        "/v2/models/{name}/versions/{version}/ready",
    }
)  # fmt: skip
"""Probes, metrics and documentation: they tell nothing about patients. Every other route is protected."""

_SECURITY_SCHEMES: Final[dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The key as `Authorization: Bearer …`."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The key by itself."},
}
_ERRORS: Final = {
    "401": "No valid API key was sent. Only where the service has keys.",
    "403": "The key may not do this, such as mark a request with X-Load-Test. Only where the service has keys.",
    "429": "Too many requests of this client. Only where the service limits them.",
}


class AccessControl:
    """Checks API keys and counts requests per client.

    What is marked as a load test is in no monitoring, so with keys only some of them may mark a request.

    Raises:
        SettingsError: the keys in the settings are malformed, or a name of LOAD_TEST_KEYS has no key.
    """

    def __init__(self, settings: ApiSettings) -> None:
        rate = settings.rate_limit_per_second
        self._keys = ApiKeys.parse(settings.api_keys.get_secret_value())
        self._markers = _markers(settings.load_test_keys, self._keys)
        self._limiter = RateLimiter(rate, settings.rate_limit_burst) if rate else None

    def install(self, app: FastAPI) -> None:
        """Wrap every protected route, unless neither keys nor a rate limit are set."""
        if not self._keys and self._limiter is None:
            return
        for route in app.routes:
            if isinstance(route, Route) and route.path not in OPEN_ROUTES:
                route.app = _ProtectedRoute(route.app, self)

    def check(self, scope: Scope) -> None:
        """Authenticate and count a request; stores the key's owner in the request's state.

        Raises:
            NoKeyError: the request has no valid key.
            LoadTestMarkError: it is marked as a load test, which its key may not do.
            TooManyRequestsError: the client exceeds its rate limit; requests with wrong keys count too.
        """
        owner = self._keys.owner_of(_key(scope)) if self._keys else None
        if owner is not None:
            scope["state"]["client"] = f"key:{owner}"
        if self._limiter is not None:
            client = scope["state"].get("client") or client_of_address(_address(scope))
            if seconds := self._limiter.acquire(client):
                raise TooManyRequestsError(
                    "Too many requests from this client; see Retry-After.", headers={"Retry-After": str(seconds)}
                )
        if self._keys and owner is None:
            raise NoKeyError("An API key is required: send it as X-API-Key, or as Authorization: Bearer.")
        if self._keys and owner not in self._markers and is_load_test(scope):
            raise LoadTestMarkError(
                f"The key of {owner} may not mark requests with X-Load-Test: leave it out, or add {owner} to "
                "LOAD_TEST_KEYS."
            )

    def document(self, openapi: dict[str, Any]) -> None:
        """Add the security schemes and error responses of protected routes to an OpenAPI document.

        A service without keys and limit describes them too, and says that no key is needed: a client generated from
        its document sends a key where it is given one.
        """
        openapi["components"]["securitySchemes"] = _SECURITY_SCHEMES
        openapi["security"] = []
        for path, operations in openapi["paths"].items():
            if path in OPEN_ROUTES:
                continue
            for operation in operations.values():
                anyone: list[dict[str, list[str]]] = [] if self._keys else [{}]
                operation["security"] = [*({name: []} for name in _SECURITY_SCHEMES), *anyone]
                content = operation["responses"]["503"]["content"]
                for status, description in _ERRORS.items():
                    operation["responses"].setdefault(status, {"description": description, "content": content})


class _ProtectedRoute:
    def __init__(self, app: ASGIApp, access: AccessControl) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._access.check(scope)
        await self._app(scope, receive, send)


def _markers(names: str, keys: ApiKeys) -> frozenset[str]:
    """The owners of keys that may mark requests as a load test; by default the first, which is the platform's own."""
    chosen = frozenset(filter(None, (name.strip() for name in names.split(","))))
    if unknown := chosen.difference(keys.owners):
        raise SettingsError(f"Setting LOAD_TEST_KEYS names {', '.join(sorted(unknown))}: API_KEYS has no such entry.")
    return chosen or frozenset(keys.owners[:1])


def client_of(scope: Scope, pseudonyms: Pseudonyms) -> str:
    """The client as it is logged: the owner of the key, else a pseudonym of the address."""
    owner: str | None = scope["state"].get("client")
    return owner or pseudonyms.client(_address(scope))


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def _key(scope: Scope) -> str:
    """The API key of a request, or an empty string."""
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return str(value.decode("latin-1"))
        if name == b"authorization":
            scheme, _, key = value.decode("latin-1").partition(" ")
            if scheme.lower() == "bearer":
                return str(key.strip())
    return ""
