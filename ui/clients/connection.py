"""HTTP connection to one service: sends requests, validates responses, maps failures to errors."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx
from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from ui.clients import errors
from ui.clients.errors import FieldError, ResponseModel, Service, ServiceError

T = TypeVar("T")

_NO_MODEL_CODES: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""MLflow's error codes for a missing model and for a missing alias."""

_OVERLOADED: Final = "urn:readmission:problem:overloaded"
"""Problem type of the API when it has a model but no capacity."""

_NO_DATABASE: Final = "urn:readmission:problem:no-database"
"""Problem type of the API when PostgreSQL, which only some of its routes need, does not answer."""


class _Problem(ResponseModel):
    """Body of a failure: RFC 9457 problem details, MLflow's code and message, or Prometheus's type of error."""

    type: str = ""
    title: str = ""
    detail: Any = ""
    message: str = ""
    error_code: str = ""
    error_type: str = Field(default="", alias="errorType")
    errors: tuple[FieldError, ...] = ()
    error_count: int = 0


class Connection:
    """Connection to one service, shared by all sessions (httpx clients are thread-safe)."""

    def __init__(
        self,
        service: Service,
        url: str,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.service, self.url, self._timeout = service, url.rstrip("/"), timeout
        # The services are on the same network: the proxies of the environment do not apply.
        self._http = httpx.Client(timeout=timeout, transport=transport, trust_env=False, headers=dict(headers or {}))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request and return its successful response.

        Raises:
            ServiceError: there is no response, or its status is not 2xx.
        """
        try:
            response = self._http.request(method, f"{self.url}{path}", **options)
        except httpx.TimeoutException as error:
            raise errors.TimedOut(self.service, self._timeout) from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise errors.Unreachable(self.service, self.url) from error
        if not response.is_success:
            raise self._error(response)
        return response

    def fetch(self, kind: type[T], method: str, path: str, *, key: str = "", default: Any = None, **options: Any) -> T:
        """Send a request and validate the JSON of its response as a ``kind``.

        Only the member ``key`` of the document is validated, if it is given; it has dots between levels. ``default`` is
        the value of a missing member; None makes the member required. ``options`` are those of httpx.

        Raises:
            ServiceError: the request failed, or the response has an unexpected format.
        """
        response = self.request(method, path, **options)
        try:
            value = from_json(response.content)
            for name in key.split(".") if key else ():
                value = value[name] if default is None else value.get(name, default)
            return TypeAdapter(kind).validate_python(value)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise errors.InvalidResponse(self.service) from error

    def _error(self, response: httpx.Response) -> ServiceError:
        try:
            problem = _Problem.model_validate_json(response.content)
        except ValidationError:
            problem = _Problem()
        detail = str(problem.detail or problem.message or problem.title)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS or problem.type == _OVERLOADED:
            delay = response.headers.get("Retry-After", "")
            return errors.Busy(self.service, max(1, int(delay)) if delay.isdecimal() else 1)
        if problem.error_type == "timeout":
            return errors.TimedOut(self.service, self._timeout)
        if problem.type == _NO_DATABASE:
            return errors.ServerError(self.service, response.status_code, detail)
        if self.service is Service.API and response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return errors.NoModelYet(self.service, detail)
        if self.service is Service.MLFLOW and problem.error_code in _NO_MODEL_CODES:
            return errors.NoModelYet(self.service)
        if response.is_client_error and (detail or problem.errors):
            count = problem.error_count or len(problem.errors)
            return errors.Rejected(self.service, detail, problem.errors, count, response.status_code)
        return errors.ServerError(self.service, response.status_code, detail)
