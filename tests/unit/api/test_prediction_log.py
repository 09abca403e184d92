"""The queue of the prediction log, while PostgreSQL is away."""

import time
from datetime import UTC, datetime
from typing import Any

import numpy as np

from api.prediction_log import PredictionLog
from api.prediction_table import Entry, PredictionTable
from ml.pseudonyms import Pseudonyms

NOWHERE = {"host": "127.0.0.1", "port": 9, "connect_timeout": 1}


def log_of(**more: Any) -> PredictionLog:
    table = PredictionTable(NOWHERE, Pseudonyms(b"key", "hash"))
    bounds = {"capacity": 10, "capacity_bytes": 10**9, "retention_days": 0}
    return PredictionLog(table, **(bounds | more))


def entry(size: int, known: int = 0) -> Entry:
    answers = np.zeros(size, dtype=np.float32)
    return Entry("id", datetime.now(UTC), "1", "real", False, [{}] * size, [known] * size, answers, "address:0")


def test_a_full_queue_drops_and_counts() -> None:
    log = log_of()

    for size in (6, 5, 4, 1):
        log.put(entry(size))

    assert (log.waiting, log.dropped) == (10, 6)


def test_full_records_fill_the_queue_by_their_bytes_before_their_number() -> None:
    log = log_of(capacity=1_000, capacity_bytes=100_000)

    for _ in range(100):
        log.put(entry(1, known=47))
    large = log.waiting
    for _ in range(100):
        log.put(entry(10, known=0))

    assert 30 < large < 60
    assert log.waiting_bytes <= 100_000
    assert log.waiting + log.dropped == 1_100


def test_it_ends_in_time_and_counts_what_it_could_not_write() -> None:
    log = log_of()
    log.start()
    log.put(entry(3))

    started = time.monotonic()
    log.stop()

    assert time.monotonic() - started < 6
    assert (log.waiting, log.waiting_bytes, log.written, log.dropped) == (0, 0, 0, 3)


def test_what_comes_after_the_end_is_dropped() -> None:
    log = log_of()
    log.start()
    log.stop()

    log.put(entry(2))

    assert log.dropped == 2
