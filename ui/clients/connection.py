"""One service at one address: sending, reading, and telling apart what can go wrong."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx
from pydantic import ValidationError

from ui.clients.errors import (
    Answer,
    Busy,
    Failed,
    FieldFault,
    NoModelYet,
    NotUnderstood,
    Refused,
    Service,
    ServiceError,
    TooSlow,
    Unreachable,
)

A = TypeVar("A", bound=Answer)

_ABSENT: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""How MLflow says that there is no such model, and that there is no such alias."""

_OVERLOADED: Final = "urn:readmission:problem:overloaded"
"""How the API says that it has a model, but too much to do."""


class Problem(Answer):
    """What a service says of a failure: an RFC 9457 problem, or MLflow's code and message."""

    type: str = ""
    title: str = ""
    detail: Any = ""
    message: str = ""
    error_code: str = ""
    errors: tuple[FieldFault, ...] = ()
    error_count: int = 0


class Connection:
    """Speaks to one service. One instance serves all sessions: httpx clients are safe between threads."""

    def __init__(
        self,
        service: Service,
        url: str,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.service, self.address, self._timeout = service, url.rstrip("/"), timeout
        # The services are neighbours: a proxy meant for the Internet must not stand in between.
        self._http = httpx.Client(timeout=timeout, transport=transport, trust_env=False, headers=dict(headers or {}))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask, and return an answer that is a success.

        Raises:
            ServiceError: it is none, or there is none.
        """
        try:
            answer = self._http.request(method, f"{self.address}{path}", **more)
        except httpx.TimeoutException as error:
            raise TooSlow(self.service, self._timeout) from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise Unreachable(self.service, self.address) from error
        if answer.is_success:
            return answer
        raise self._fault(answer)

    def read(self, kind: type[A], method: str, path: str, **more: Any) -> A:
        """Ask, and read the answer as what it should be.

        Raises:
            ServiceError: there is none, or it is something else.
        """
        answer = self.send(method, path, **more)
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError as error:
            raise NotUnderstood(self.service) from error

    def _fault(self, answer: httpx.Response) -> ServiceError:
        problem = _problem(answer)
        said = str(problem.detail or problem.message or problem.title)
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or problem.type == _OVERLOADED:
            return Busy(self.service, _seconds_to_wait(answer))
        if self.service is Service.API and answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return NoModelYet(self.service, said)
        if self.service is Service.MLFLOW and problem.error_code in _ABSENT:
            return NoModelYet(self.service)
        if answer.is_client_error and (said or problem.errors):
            count = problem.error_count or len(problem.errors)
            return Refused(self.service, said, problem.errors, count, answer.status_code)
        return Failed(self.service, answer.status_code, said)


def _seconds_to_wait(answer: httpx.Response) -> int:
    """What Retry-After names; a second where it names none, or a date."""
    named = answer.headers.get("Retry-After", "")
    return max(1, int(named)) if named.isdecimal() else 1


def _problem(answer: httpx.Response) -> Problem:
    try:
        return Problem.model_validate_json(answer.content)
    except ValidationError:
        return Problem()
