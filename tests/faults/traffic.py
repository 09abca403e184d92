"""Clients that predict and report outcomes without a pause, whatever happens to the service."""

import json
import threading
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.faults.load import TIMEOUT_SECONDS
from tests.integration.api.bundles import RECORDS

PAUSE_SECONDS = 0.2


class Traffic:
    """One client that predicts, and one that reports the outcomes of these predictions.

    Args:
        url: gives the address of the service, which changes when it is restarted.
        name: distinguishes the request ids of one traffic from those of another.
        today: the day of the outcomes.
    """

    def __init__(self, url: Callable[[], str], name: str, today: str) -> None:
        self.answers: list[tuple[str, int, float]] = []
        """Version, number of the record in RECORDS, and risk."""
        self.failures: list[str] = []
        """Predictions that were not answered."""
        self.acknowledged: set[str] = set()
        """Requests whose outcome was acknowledged."""
        self.refused: list[str] = []
        """Why outcomes were not."""
        self._url, self._name, self._today = url, name, today
        self._waiting: list[str] = []
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._predict_on, self._report_on)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _predict_on(self) -> None:
        number = 0
        while not self._ending.wait(PAUSE_SECONDS):
            request, index = f"{self._name}-{number}", number % len(RECORDS)
            number += 1
            status, answer = self._ask("/predict", {"records": [RECORDS[index]]}, request)
            if status == 200:
                self.answers.append((answer["model"]["version"], index, answer["predictions"][0]))
                self._waiting.append(request)
            else:
                self.failures.append(f"{status} {answer}")

    def _report_on(self) -> None:
        while not self._ending.wait(PAUSE_SECONDS):
            if not self._waiting:
                continue
            request = self._waiting[-1]
            outcome = {"request_id": request, "readmitted_within_30_days": False, "known_on": self._today}
            # What was not acknowledged may have been stored: it is sent again.
            while request not in self.acknowledged and not self._ending.wait(PAUSE_SECONDS / 4):
                status, answer = self._ask("/feedback", {"outcomes": [outcome]}, f"{request}-outcome")
                if status == 200:
                    self.acknowledged.add(request)
                else:
                    self.refused.append(f"{status} {answer}")

    def _ask(self, path: str, body: dict[str, Any], request: str) -> tuple[int, Any]:
        connection = HTTPConnection(urlsplit(self._url()).netloc, timeout=TIMEOUT_SECONDS)
        headers = {"Content-Type": "application/json", "X-Request-ID": request}
        try:
            connection.request("POST", path, json.dumps(body).encode(), headers)
            response = connection.getresponse()
            content = response.read()
            return response.status, json.loads(content)
        except (OSError, HTTPException, ValueError) as error:
            return 0, repr(error)
        finally:
            connection.close()
