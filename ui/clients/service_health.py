"""All services at a glance: each is asked one short question, all at the same time, and none is waited for long."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Final, TypeVar

from ui.clients.airflow import AirflowClient, AirflowHealth
from ui.clients.connection import Connection
from ui.clients.errors import Answer, Service, ServiceError, TooSlow, outcome
from ui.clients.prometheus import PrometheusClient

T = TypeVar("T")

SECONDS: Final = 1.5
"""How long a glance takes at most."""

_UP: Final = "min by (job) (up)"
_DATA: Final = "data_version_created_timestamp_seconds"
_WAREHOUSE: Final = "warehouse_up"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services are."""

    api: str
    mlflow: str
    airflow: str
    prometheus: str
    locust: str


@dataclass(frozen=True, slots=True)
class Watched:
    """What Prometheus knows of the others."""

    up: Mapping[str, bool]
    """By job: whether all its targets answer."""
    has_data: bool | None
    """Whether data were ingested that a model can be trained on; None when that is not known."""


@dataclass(frozen=True, slots=True)
class Glance:
    """How each service is: what it says of itself, or a fault."""

    api: Answer | ServiceError
    mlflow: Answer | ServiceError
    airflow: AirflowHealth | ServiceError
    prometheus: Answer | ServiceError
    locust: Answer | ServiceError
    watched: Watched | ServiceError


class Lookout:
    """Looks at all services. One instance serves all sessions."""

    def __init__(self, at: Addresses, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._api = Connection(Service.API, at.api, seconds)
        self._mlflow = Connection(Service.MLFLOW, at.mlflow, seconds)
        self._airflow = AirflowClient(at.airflow, seconds, "", "")
        self._prometheus = PrometheusClient(at.prometheus, seconds)
        self._locust = Connection(Service.LOCUST, at.locust, seconds)
        # Twice as many as there are questions: those of the look before may still hang.
        self._pool = ThreadPoolExecutor(max_workers=12, thread_name_prefix="glance")

    def look(self) -> Glance:
        """Ask them all. Who has not answered when the time is up is too slow, whatever becomes of it."""
        api = self._ask(lambda: _said(self._api, "/ready"))
        mlflow = self._ask(lambda: _said(self._mlflow, "/health"))
        airflow = self._ask(self._airflow.health)
        prometheus = self._ask(lambda: _said(self._prometheus, "/-/ready"))
        locust = self._ask(lambda: _said(self._locust, "/"))
        watched = self._ask(lambda: _watched(self._prometheus))
        deadline = monotonic() + self._seconds
        return Glance(
            self._by(deadline, api, Service.API),
            self._by(deadline, mlflow, Service.MLFLOW),
            self._by(deadline, airflow, Service.AIRFLOW),
            self._by(deadline, prometheus, Service.PROMETHEUS),
            self._by(deadline, locust, Service.LOCUST),
            self._by(deadline, watched, Service.PROMETHEUS),
        )

    def _by(self, deadline: float, asked: Future[T | ServiceError], service: Service) -> T | ServiceError:
        try:
            return asked.result(max(0.0, deadline - monotonic()))
        except TimeoutError:
            asked.cancel()
            return TooSlow(service, self._seconds)

    def _ask(self, question: Callable[[], T]) -> Future[T | ServiceError]:
        return self._pool.submit(outcome, question)


def _said(connection: Connection, path: str) -> Answer:
    """Nothing but that it answers; what it says is a word, or a page."""
    connection.send("GET", path)
    return Answer()


def _watched(prometheus: PrometheusClient) -> Watched:
    up = {sample.labels.get("job", ""): sample.value == 1 for sample in prometheus.now(_UP)}
    has_data = bool(prometheus.now(_DATA))
    if not has_data and not any(sample.value == 1 for sample in prometheus.now(_WAREHOUSE)):
        return Watched(up, None)
    return Watched(up, has_data)
