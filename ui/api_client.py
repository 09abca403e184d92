"""All HTTP of the interface: the prediction API and MLflow's registry. No Streamlit in here.

ServiceError
├── Unreachable        nobody answers at the address
├── TooSlow            no answer within the time limit
├── NoModelYet         the service is well, but there is no production model
├── Refused            the request was not accepted; ``faults`` says why, field by field
└── UnexpectedAnswer   the service failed, or is not the one we think it is

Each message is one sentence or two for the person in front of the screen.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx
from pydantic import ValidationError

from ml.names import MODEL_NAME, PRODUCTION
from ui.answers import AliasAnswer, Answer, FieldFault, Prediction, Problem, RegisteredVersion, ServedModel

API: Final = "The prediction API"
MLFLOW: Final = "MLflow"
_ABSENT: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""How MLflow says that there is no such model, and that there is no such alias."""

A = TypeVar("A", bound=Answer)


class ServiceError(Exception):
    """Base of everything that can go wrong between the interface and a service."""


class Unreachable(ServiceError):  # noqa: N818  the tree above reads better without "Error" five times
    """Nobody answers at the address."""


class TooSlow(ServiceError):  # noqa: N818
    """No answer within the time limit."""


class NoModelYet(ServiceError):  # noqa: N818
    """The service is well, but there is no production model."""


class Refused(ServiceError):  # noqa: N818
    """The request was not accepted."""

    def __init__(self, message: str, faults: Sequence[FieldFault] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


class UnexpectedAnswer(ServiceError):  # noqa: N818
    """The service failed, or is not the one we think it is."""


class PlatformClient:
    """Speaks to both services. One instance serves all sessions: httpx clients are safe between threads."""

    def __init__(
        self,
        api_url: str,
        mlflow_url: str,
        timeout: float,
        api_key: str = "",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._addresses = {API: api_url.rstrip("/"), MLFLOW: mlflow_url.rstrip("/")}
        # Nobody else gets to see the key: MLflow is another service.
        self._headers = {API: {"X-API-Key": api_key} if api_key else {}, MLFLOW: {}}
        self._timeout = timeout
        # Both services are neighbours: a proxy meant for the Internet must not stand in between.
        self._http = httpx.Client(timeout=timeout, transport=transport, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def served_model(self) -> ServedModel:
        """The model the API answers with; raises NoModelYet while it has none."""
        return self._read(API, ServedModel, self._send(API, "GET", "/model"))

    def predict(self, record: Mapping[str, str | int]) -> Prediction:
        """The probability of readmission for one encounter; raises Refused with the faults of its fields."""
        answer = self._send(API, "POST", "/predict", json={"records": [record]})
        return self._read(API, Prediction, answer)

    def production_version(self, model: str = MODEL_NAME) -> RegisteredVersion:
        """The version the registry calls production; raises NoModelYet when it calls none so."""
        asked = {"name": model, "alias": PRODUCTION}
        answer = self._send(MLFLOW, "GET", "/api/2.0/mlflow/registered-models/alias", params=asked)
        return self._read(MLFLOW, AliasAnswer, answer).model_version

    def _send(self, service: str, method: str, path: str, **more: Any) -> httpx.Response:
        address = self._addresses[service]
        try:
            answer = self._http.request(method, f"{address}{path}", headers=self._headers[service], **more)
        except httpx.TimeoutException as error:
            raise TooSlow(
                f"{service} did not answer within {self._timeout:g} seconds: try again in a moment."
            ) from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise Unreachable(f"{service} cannot be reached at {address}: check that it is running.") from error
        if answer.is_success:
            return answer
        raise _fault(service, answer)

    def _read(self, service: str, kind: type[A], answer: httpx.Response) -> A:
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError as error:
            raise UnexpectedAnswer(
                f"{service} answered something this page does not understand: "
                "check that its address is right and that both are of the same version."
            ) from error


def _fault(service: str, answer: httpx.Response) -> ServiceError:
    """The exception for an answer that is not a success."""
    problem = _problem(answer)
    said = problem.detail or problem.message or problem.title
    if service == API and answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return NoModelYet(said or "no production model yet")
    if service == MLFLOW and problem.error_code in _ABSENT:
        return NoModelYet("the registry has no production version yet")
    if service == API and answer.is_client_error and (said or problem.errors):
        return Refused(said or "The request was not accepted.", problem.errors)
    told = f" and says: {said.rstrip('.')}" if said else ""
    return UnexpectedAnswer(f"{service} answered with status {answer.status_code}{told}. Its log tells why.")


def _problem(answer: httpx.Response) -> Problem:
    try:
        return Problem.model_validate_json(answer.content)
    except ValidationError:
        return Problem()
