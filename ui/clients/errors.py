"""What can go wrong between the interface and a service.

ServiceError
├── Unreachable        nobody answers at the address
├── TooSlow            no answer within the time limit
├── NoModelYet         the service is well, but there is no production model
├── Busy               the service has too much to do, or is asked too often; it says when to come again
├── Refused            the request was not accepted; ``faults`` says why, field by field
├── Failed             the service answered that it failed
└── NotUnderstood      what answered is not the service we think it is, or of another version

They hold facts and no sentences: :mod:`ui.i18n.wording` says them in the language of the person in front of the screen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Service(StrEnum):
    """Who was asked."""

    API = "api"
    MLFLOW = "mlflow"
    AIRFLOW = "airflow"
    PROMETHEUS = "prometheus"
    LOCUST = "locust"


class Answer(BaseModel):
    """Base of all answers: read-only, and tolerant of what a later version of the service adds."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class FieldFault(Answer):
    """One thing that was refused: where it stands, what it was and what would be right."""

    record: int | None = None
    line: int | None = None
    field: str | None = None
    value: Any = None
    message: str
    allowed: tuple[str, ...] | None = None


@dataclass
class ServiceError(Exception):
    """Base of them all."""

    service: Service


@dataclass
class Unreachable(ServiceError):
    """Nobody answers at the address."""

    address: str


@dataclass
class TooSlow(ServiceError):
    """No answer within the time limit."""

    seconds: float


@dataclass
class NoModelYet(ServiceError):
    """The service is well, but there is no production model."""

    said: str = ""


@dataclass
class Busy(ServiceError):
    """The service has too much to do, or is asked too often."""

    seconds: int = 1
    """After which it is worth asking again."""


@dataclass
class Refused(ServiceError):
    """The request was not accepted."""

    said: str
    faults: Sequence[FieldFault] = ()
    count: int = 0
    """How many faults there are in all: a service names the first ones only."""
    status: int = 422


@dataclass
class Failed(ServiceError):
    """The service answered that it failed."""

    status: int
    said: str = ""


@dataclass
class NotUnderstood(ServiceError):
    """What answered is not the service we think it is, or of another version."""


def outcome(ask: Callable[[], T]) -> T | ServiceError:
    """The answer, or what went wrong: a page shows either in the same place."""
    try:
        return ask()
    except ServiceError as error:
        return error
