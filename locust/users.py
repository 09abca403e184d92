"""Who asks for predictions: many people with one patient each, and few programs with a ward at a time."""

import random
from collections.abc import Sequence
from typing import Final

from answers import fault_of
from environment import VARIABLES
from payloads import Record, Sampler

from locust import FastHttpUser, between, task

SEED: Final = 296
POOL_SIZE: Final = 500
"""Records are drawn once and asked for again: drawing them must not cost the time that is measured."""

BATCH_SIZES: Final = (10, 100, 500)
"""Few sizes, so that each has a line of its own in the statistics."""

HEADERS: Final = {"X-Load-Test": "1"} | ({"X-API-Key": key} if (key := VARIABLES.get("API_KEY")) else {})
"""Marks the traffic, so that predictions of load tests can be told from others; and the key, where one is asked for."""

API_URL: Final = VARIABLES.get("API_URL") or f"http://127.0.0.1:{VARIABLES.get('API_PORT') or 8000}"

_sampler: Final = Sampler(SEED)
_three_fields: Final = [_sampler.three_fields() for _ in range(POOL_SIZE)]
_partial: Final = [_sampler.partial() for _ in range(POOL_SIZE)]
_full: Final = [_sampler.full() for _ in range(POOL_SIZE)]
_ward: Final = _sampler.batch(2 * max(BATCH_SIZES))


class PredictionUser(FastHttpUser):
    """Asks, and reads the answer."""

    abstract = True
    host = API_URL
    default_headers = HEADERS
    connection_timeout = 5.0
    network_timeout = 30.0

    def predict(self, records: Sequence[Record], name: str) -> None:
        """Ask for predictions and count the request as failed unless the answer is right in every part."""
        with self.client.post("/predict", json={"records": records}, name=name, catch_response=True) as response:
            fault = fault_of(response.status_code, response.text, len(records))
            if fault is None:
                response.success()
            else:
                response.failure(fault)


class SingleUser(PredictionUser):
    """Someone at a form: one patient, a pause, the next one."""

    weight = 9
    wait_time = between(0.5, 1.5)

    @task(5)
    def full(self) -> None:
        """A stay with all that is known."""
        self.predict([random.choice(_full)], "/predict one, full")  # noqa: S311

    @task(3)
    def partial(self) -> None:
        """A form filled in part."""
        self.predict([random.choice(_partial)], "/predict one, partial")  # noqa: S311

    @task(2)
    def three_fields(self) -> None:
        """Race, gender and age only."""
        self.predict([random.choice(_three_fields)], "/predict one, three fields")  # noqa: S311


class BatchUser(PredictionUser):
    """A program that scores a list of patients."""

    weight = 1
    wait_time = between(2, 5)

    @task
    def ward(self) -> None:
        """Ten to some hundred records at once."""
        size = random.choice(BATCH_SIZES)  # noqa: S311
        self.predict(random.sample(_ward, size), f"/predict batch of {size}")
