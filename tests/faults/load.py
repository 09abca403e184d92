"""A steady load: asks for predictions at a rate, and judges every answer by the version that it names."""

import itertools
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from tests.integration.api.bundles import RECORDS, expected
from tests.integration.api.conftest import eventually

RATE: Final = 80
THREADS: Final = 4
TIMEOUT_SECONDS: Final = 30
MIXED: Final[Sequence[Sequence[dict[str, Any]]]] = [*([record] for record in RECORDS), RECORDS * 4]
"""Requests of one record, and of twenty."""

_TOLERANCE: Final = 1e-6
_HEADERS: Final = {"Content-Type": "application/json", "X-Load-Test": "1"}
_runs = itertools.count()


class Load:
    """Clients that ask until the context ends; what became of each request is told by its id.

    Args:
        url: of the service.
        truth: intercept of each model version, from which the right answers follow.
        rate: requests per second, of all clients; an answer that takes long delays those after it.
        requests: records of the requests, asked in turn.
        threads: clients, each with a connection of its own.
    """

    def __init__(
        self,
        url: str,
        truth: Mapping[str, float],
        *,
        rate: float = RATE,
        requests: Sequence[Sequence[dict[str, Any]]] = MIXED,
        threads: int = THREADS,
    ) -> None:
        self.answered: set[str] = set()
        self.shed: set[str] = set()
        self.failed: dict[str, str] = {}
        self.wrong: dict[str, str] = {}
        self.versions: Counter[str] = Counter()
        self.history: Counter[str] = Counter()
        self.seconds: list[float] = []
        self._address = urlsplit(url).netloc
        self._truth = truth
        self._requests = requests
        self._right: dict[tuple[str, int], list[float]] = {}
        self._pause = threads / rate
        self._enough = threading.Event()
        self._ids = (f"load-{next(_runs)}-{number}" for number in itertools.count())
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask_on, args=(start,)) for start in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        eventually(lambda: len(self.answered) + len(self.failed) + len(self.wrong) > 0, seconds=60)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """No new requests; returns when the last has its answer."""
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def assert_flawless(self) -> None:
        """No request was refused, none failed, and no answer was wrong."""
        assert self.answered
        assert not self.shed
        assert _first(self.failed) == {}
        assert _first(self.wrong) == {}

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the answers came."""
        ordered = sorted(self.seconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]

    def _ask_on(self, start: int) -> None:
        connection = HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)
        due = time.monotonic()
        for index in itertools.islice(itertools.cycle(range(len(self._requests))), start, None):
            with self._lock:
                request_id = next(self._ids)
            self._ask(connection, request_id, index)
            due = max(due + self._pause, time.monotonic() - self._pause)
            if self._enough.wait(max(due - time.monotonic(), 0)):
                break
        connection.close()

    def _ask(self, connection: HTTPConnection, request_id: str, index: int) -> None:
        body = json.dumps({"records": self._requests[index]}).encode()
        begun = time.perf_counter()
        try:
            connection.request("POST", "/predict", body, _HEADERS | {"X-Request-ID": request_id})
            response = connection.getresponse()
            status, answer = response.status, response.read()
        except (OSError, HTTPException) as error:
            connection.close()  # the next request opens it again
            self.failed[request_id] = f"{type(error).__name__}: {error}"
            return
        if status == 503 and response.getheader("Retry-After"):
            self.shed.add(request_id)
            return
        self.seconds.append(time.perf_counter() - begun)
        if status != 200:
            self.failed[request_id] = f"{status} {answer[:200]!r}"
            return
        self._judge(request_id, index, json.loads(answer))

    def _judge(self, request_id: str, index: int, answer: dict[str, Any]) -> None:
        version = answer["model"]["version"]
        if version not in self._truth:
            self.wrong[request_id] = f"version {version} was never good"
            return
        if (version, index) not in self._right:
            right = [expected(record, self._truth[version]) for record in self._requests[index]]
            self._right[version, index] = right
        right = self._right[version, index]
        given = answer["predictions"]
        if len(given) != len(right) or not all(map(_close, given, right)):
            self.wrong[request_id] = f"version {version} says {right[:5]}, the answer was {given[:5]}"
            return
        with self._lock:
            self.versions[version] += 1
            self.history.update(answer["history"])
            self.answered.add(request_id)


def _close(given: float, right: float) -> bool:
    return math.isclose(given, right, abs_tol=_TOLERANCE)


def _first(found: Mapping[str, str]) -> dict[str, str]:
    return dict(itertools.islice(found.items(), 5))
