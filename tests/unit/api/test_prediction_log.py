"""The queue of the prediction log, while PostgreSQL is away."""

import time
from datetime import UTC, datetime

import numpy as np

from api.prediction_log import Entry, PredictionLog

NOWHERE = {"host": "127.0.0.1", "port": 9, "connect_timeout": 1}


def entry(size: int) -> Entry:
    return Entry("id", datetime.now(UTC), "1", "real", False, [{}] * size, [0] * size, np.zeros(size, dtype=np.float32))


def test_a_full_queue_drops_and_counts() -> None:
    log = PredictionLog(NOWHERE, capacity=10)

    for size in (6, 5, 4, 1):
        log.put(entry(size))

    assert (log.waiting, log.dropped) == (10, 6)


def test_it_ends_in_time_and_counts_what_it_could_not_write() -> None:
    log = PredictionLog(NOWHERE, capacity=10)
    log.start()
    log.put(entry(3))

    started = time.monotonic()
    log.stop()

    assert time.monotonic() - started < 6
    assert (log.waiting, log.written, log.dropped) == (0, 0, 3)


def test_what_comes_after_the_end_is_dropped() -> None:
    log = PredictionLog(NOWHERE, capacity=10)
    log.start()
    log.stop()

    log.put(entry(2))

    assert log.dropped == 2
