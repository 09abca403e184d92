"""Who may call which route: every route states it here, and a test holds them to it.

Off, which is the default, it costs nothing: the routes are then as they were. On, each guarded route asks for a key,
or counts how often its client asks, before the body is read.
"""

from enum import Enum
from typing import Any, Final

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import NoKeyError, TooManyRequestsError
from api.keys import Keys
from api.settings import ApiSettings
from api.transport.rate_limit import RateLimit, client_of_address
from ml.core.pseudonyms import Pseudonyms


class Policy(Enum):
    """What a route asks of its caller."""

    OPEN = "open"  # probes, metrics and documentation: of the service, not of patients
    GUARDED = "guarded"  # a key where API_KEYS has any, and no more often than the rate limit


POLICIES: Final = {
    "/predict": Policy.GUARDED,
    "/predict/csv": Policy.GUARDED,
    "/explain": Policy.GUARDED,
    "/feedback": Policy.GUARDED,
    "/model": Policy.GUARDED,
    "/health": Policy.OPEN,
    "/ready": Policy.OPEN,
    "/metrics": Policy.OPEN,
    "/": Policy.OPEN,
    "/docs": Policy.OPEN,
    "/docs/{name}": Policy.OPEN,
    "/openapi.json": Policy.OPEN,
    # MLflow's scoring protocol
    "/invocations": Policy.GUARDED,
    "/ping": Policy.OPEN,
    "/version": Policy.OPEN,
    # Open Inference Protocol
    "/v2": Policy.OPEN,
    "/v2/health/live": Policy.OPEN,
    "/v2/health/ready": Policy.OPEN,
    "/v2/models/{name}": Policy.GUARDED,
    "/v2/models/{name}/versions/{version}": Policy.GUARDED,
    "/v2/models/{name}/ready": Policy.OPEN,
    "/v2/models/{name}/versions/{version}/ready": Policy.OPEN,
    "/v2/models/{name}/infer": Policy.GUARDED,
    "/v2/models/{name}/versions/{version}/infer": Policy.GUARDED,
}
"""Policy of each route. One that states none is guarded."""

_SCHEMES: Final[dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The key as `Authorization: Bearer …`."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The key by itself."},
}


def policy_of(path: str) -> Policy:
    """Policy of a route."""
    return POLICIES.get(path, Policy.GUARDED)


class Guard:
    """Asks for keys and counts requests."""

    def __init__(self, keys: Keys, limit: RateLimit | None) -> None:
        self._keys = keys
        self._limit = limit

    @classmethod
    def of(cls, settings: ApiSettings) -> "Guard":
        """As the settings say.

        Raises:
            SettingsError: the keys are malformed.
        """
        rate = settings.rate_limit_per_second
        limit = RateLimit(rate, settings.rate_limit_burst) if rate else None
        return cls(Keys.parse(settings.api_keys), limit)

    def install(self, app: FastAPI) -> None:
        """Stand before every guarded route that the application has; before none when there is nothing to guard."""
        if not self._keys and self._limit is None:
            return
        for route in app.routes:
            if isinstance(route, Route) and policy_of(route.path) is Policy.GUARDED:
                route.app = _Guarded(route.app, self)

    def admit(self, scope: Scope) -> None:
        """Let a request through, and note whose it is.

        Raises:
            NoKeyError: it brings no key of this service.
            TooManyRequestsError: its client asks too often; wrong keys count too.
        """
        client = _address(scope)
        holder = self._keys.holder_of(_key(scope)) if self._keys else None
        if holder is not None:
            client = f"key:{holder}"
            scope["state"]["client"] = client
        self._count(client if holder is not None else client_of_address(client))
        if self._keys and holder is None:
            raise NoKeyError("This service asks for a key: send it as X-API-Key, or as Authorization: Bearer.")

    def describe(self, document: dict[str, Any]) -> None:
        """Add to an OpenAPI document what guarded routes ask for and how they refuse."""
        if self._keys:
            document["components"]["securitySchemes"] = _SCHEMES
        for path, operations in document["paths"].items():
            if policy_of(path) is Policy.OPEN:
                continue
            for operation in operations.values():
                if self._keys:
                    operation["security"] = [{name: []} for name in _SCHEMES]
                    operation["responses"]["401"] = {"description": "No key of this service was sent."}
                if self._limit is not None:
                    operation["responses"]["429"] = {"description": "The client asks too often; see Retry-After."}

    def _count(self, client: str) -> None:
        if self._limit is not None and (seconds := self._limit.take(client)):
            raise TooManyRequestsError("You ask more often than this service allows; try again later.", seconds)


class _Guarded:
    """A route behind the guard."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._guard.admit(scope)
        await self._app(scope, receive, send)


def client_of(scope: Scope, pseudonyms: Pseudonyms) -> str:
    """Who asks, as the log keeps it: the holder of the key, else a pseudonym of the address."""
    holder: str | None = scope["state"].get("client")
    return holder or pseudonyms.client(_address(scope))


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def _key(scope: Scope) -> str:
    """The key that a request brings, or nothing."""
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return str(value.decode("latin-1"))
        if name == b"authorization":
            scheme, _, key = value.decode("latin-1").partition(" ")
            if scheme.lower() == "bearer":
                return str(key.strip())
    return ""
