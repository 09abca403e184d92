"""One refresh of the page: every question goes out at the same time, and each has its own answer or fault."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from ui.clients.api import ApiClient
from ui.clients.api_models import ServedModel
from ui.clients.errors import NoModelYet, ResponseModel, ServiceError, result_or_error
from ui.clients.prometheus import Alert, PrometheusClient, Sample, TimeSeries
from ui.monitoring.expressions import QUESTIONS, Now, OverTime
from ui.monitoring.window import Window


class Status(ResponseModel):
    """``GET /ready``: a model answers."""

    status: str


@dataclass(frozen=True, slots=True)
class Readings:
    """What came back; ``asked_at`` is in seconds since 1970."""

    window: Window
    asked_at: float
    samples: Mapping[Now, tuple[Sample, ...] | ServiceError]
    lines: Mapping[OverTime, tuple[TimeSeries, ...] | ServiceError]
    alerts: tuple[Alert, ...] | ServiceError
    served: ServedModel | ServiceError
    ready: Status | ServiceError

    @property
    def prometheus_away(self) -> ServiceError | None:
        """What is wrong where Prometheus answered nothing at all."""
        answers = [*self.samples.values(), *self.lines.values(), self.alerts]
        faults = [answer for answer in answers if isinstance(answer, ServiceError)]
        return faults[0] if len(faults) == len(answers) else None

    @property
    def is_ready(self) -> bool | None:
        """Whether the API has a model that answers; None when the API does not tell."""
        if isinstance(self.ready, Status):
            return True
        return False if isinstance(self.ready, NoModelYet) else None

    def figure(self, question: Now) -> float | ServiceError | None:
        """The only figure of a question that has one; None when there is none yet."""
        answer = self.samples[question]
        if isinstance(answer, ServiceError):
            return answer
        return answer[0].value if answer else None


def read(prometheus: PrometheusClient, api: ApiClient, window: Window) -> Readings:
    """Ask everything; the slowest answer says how long it takes."""
    end = time.time()
    start = end - window.seconds
    with ThreadPoolExecutor(max_workers=len(QUESTIONS) + 3) as pool:
        served = pool.submit(result_or_error, api.served_model)
        ready = pool.submit(result_or_error, partial(api.fetch, Status, "GET", "/ready"))
        alerts = pool.submit(result_or_error, prometheus.alerts)
        samples = {
            question: pool.submit(result_or_error, partial(prometheus.query, question.within(window)))
            for question in QUESTIONS
            if isinstance(question, Now)
        }
        lines = {
            question: pool.submit(
                result_or_error, partial(prometheus.query_range, question.within(window), start, end, window.step)
            )
            for question in QUESTIONS
            if isinstance(question, OverTime)
        }
        return Readings(
            window=window,
            asked_at=end,
            samples={question: answer.result() for question, answer in samples.items()},
            lines={question: answer.result() for question, answer in lines.items()},
            alerts=alerts.result(),
            served=served.result(),
            ready=ready.result(),
        )
