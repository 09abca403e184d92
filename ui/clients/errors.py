"""Errors of a call to a service.

They carry facts, not sentences: :func:`ui.i18n.wording.error_text` renders them in the language of the session.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Service(StrEnum):
    """The services of the platform, with their names in texts."""

    API = "Prediction API"
    MLFLOW = "MLflow"
    AIRFLOW = "Airflow"
    PROMETHEUS = "Prometheus"
    LOCUST = "Locust"
    GRAFANA = "Grafana"
    ALERTMANAGER = "Alertmanager"


class ResponseModel(BaseModel):
    """Base of all response models: immutable; ignores fields that a later version of the service adds."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class FieldError(ResponseModel):
    """One invalid value: the line of a file that it is in, its field, the value and the allowed ones."""

    line: int | None = None
    field: str | None = None
    value: Any = None
    message: str
    allowed: tuple[str, ...] | None = None


@dataclass
class ServiceError(Exception):
    """Base class."""

    service: Service


@dataclass
class Unreachable(ServiceError):
    """No connection to the address."""

    address: str


@dataclass
class TimedOut(ServiceError):
    """No response within the time limit."""

    seconds: float


@dataclass
class NoModelYet(ServiceError):
    """The service works, but there is no production model."""

    detail: str = ""


@dataclass
class Busy(ServiceError):
    """The service is overloaded or limits the rate; retry after ``seconds``."""

    seconds: int = 1


@dataclass
class Rejected(ServiceError):
    """The service rejected the request (status 4xx).

    ``errors`` holds the first field errors that the service lists, ``error_count`` counts all of them.
    """

    detail: str
    errors: Sequence[FieldError] = ()
    error_count: int = 0
    status: int = 422


@dataclass
class ServerError(ServiceError):
    """The service failed (any other status)."""

    status: int
    detail: str = ""


@dataclass
class InvalidResponse(ServiceError):
    """The response has an unexpected format: another service, or another version."""


def result_or_error(call: Callable[[], T]) -> T | ServiceError:
    """Return the result of ``call``, or the :class:`ServiceError` it raised."""
    try:
        return call()
    except ServiceError as error:
        return error
