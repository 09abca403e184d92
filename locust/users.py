"""Simulated users: many people with one patient each, and few programs with a batch."""

import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from dotenv import dotenv_values, find_dotenv
from locust.env import Environment
from payloads import Sampler
from response_check import error_of

from locust import FastHttpUser, between, task
from ml.schema import Record

VARIABLES: Final[Mapping[str, str | None]] = {**dotenv_values(find_dotenv()), **os.environ}
"""Environment variables, with defaults from ``.env`` of the repository."""

API_URL: Final = VARIABLES.get("API_URL") or f"http://127.0.0.1:{VARIABLES.get('API_PORT') or 8000}"

BATCH_SIZES: Final = (10, 100, 500)
"""Each size is a row of the statistics."""

_key_file: Final = VARIABLES.get("API_KEY_FILE")
_key: Final = Path(_key_file).read_text().strip() if _key_file else VARIABLES.get("API_KEY")
HEADERS: Final = {"X-Load-Test": "1"} | ({"X-API-Key": _key} if _key else {})
"""The mark excludes the predictions from monitoring."""

# Records are drawn in advance, so that drawing does not count in response times.
_POOL_SIZE: Final = 500
_sampler: Final = Sampler(seed=296)
_three_fields: Final = [_sampler.three_fields() for _ in range(_POOL_SIZE)]
_partial: Final = [_sampler.partial() for _ in range(_POOL_SIZE)]
_full: Final = [_sampler.full() for _ in range(_POOL_SIZE)]
_batch: Final = _sampler.batch(2 * max(BATCH_SIZES))


class PredictionUser(FastHttpUser):
    """Requests predictions and checks the responses."""

    abstract = True
    host = API_URL
    default_headers = HEADERS
    connection_timeout = 5.0
    network_timeout = 30.0

    def __init__(self, environment: Environment) -> None:
        self.host = (self.host or API_URL).rstrip("/")  # Locust appends the path, and "//predict" is no route
        super().__init__(environment)

    def predict(self, records: Sequence[Record], name: str) -> None:
        """Send one request; it fails unless the response is valid in every part."""
        with self.client.post("/predict", json={"records": records}, name=name, catch_response=True) as response:
            error = error_of(response.status_code, response.text, len(records))
            if error is None:
                response.success()
            else:
                response.failure(error)


class SingleUser(PredictionUser):
    """A person with a form: one patient at a time, with pauses."""

    weight = 9
    wait_time = between(0.5, 1.5)

    @task(5)
    def full(self) -> None:
        """A full record."""
        self.predict([random.choice(_full)], "/predict one, full")  # noqa: S311

    @task(3)
    def partial(self) -> None:
        """A partial record."""
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
        """Ten to 500 records at once."""
        size = random.choice(BATCH_SIZES)  # noqa: S311
        self.predict(random.sample(_batch, size), f"/predict batch of {size}")
