"""The queue of the prediction log, while PostgreSQL is away."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry

from api.storage.prediction_log import FEW_RECORDS, TOGETHER, PredictionLog
from api.storage.prediction_table import Entry, PredictionTable
from ml.core.pseudonyms import Pseudonyms
from ml.schema import EXAMPLE_RECORD, Record

NOWHERE = {"host": "127.0.0.1", "port": 9, "connect_timeout": 1}


def log_of(**more: Any) -> PredictionLog:
    table = PredictionTable(NOWHERE, Pseudonyms(b"key", "hash"))
    bounds = {"capacity": 10, "capacity_bytes": 10**9, "retention_days": 0}
    return PredictionLog(table, **(bounds | more))


def entry(size: int, record: Record | None = None) -> Entry:
    answers, record = np.zeros(size, dtype=np.float32), record or {}
    known = [len(record)] * size
    return Entry("id", datetime.now(UTC), "1", "real", False, [record] * size, known, answers, "address:0")


def test_a_full_queue_drops_and_counts() -> None:
    log = log_of()

    for size in (6, 5, 4, 1):
        log.put(entry(size))

    assert (log.waiting, log.dropped) == (10, 6)


def test_full_records_fill_the_queue_by_their_bytes_before_their_number() -> None:
    log = log_of(capacity=1_000, capacity_bytes=100_000)

    for _ in range(100):
        log.put(entry(1, EXAMPLE_RECORD))
    large = log.waiting
    for _ in range(100):
        log.put(entry(10))

    assert 30 < large < 60
    assert log.waiting_bytes <= 100_000
    assert log.waiting + log.dropped == 1_100


def test_rows_of_few_records_are_made_some_entries_at_a_time_and_those_of_many_are_left_to_the_thread() -> None:
    log, registry = log_of(capacity=1_000), CollectorRegistry()
    registry.register(log.fields)

    log.put(entry(FEW_RECORDS + 1))
    for _ in range(TOGETHER - 1):
        log.put(entry(FEW_RECORDS))
    assert registry.get_sample_value("api_field_records_total") == 0
    log.put(entry(FEW_RECORDS))

    assert registry.get_sample_value("api_field_records_total") == TOGETHER * FEW_RECORDS
    assert log.waiting == TOGETHER * FEW_RECORDS + FEW_RECORDS + 1


def test_what_no_row_can_be_made_of_is_dropped_and_the_log_goes_on() -> None:
    log = log_of(capacity=1_000)
    odd = replace(entry(1), probabilities=np.zeros(2, np.float32))  # more answers than records

    for _ in range(TOGETHER):
        log.put(replace(odd))
    log.put(entry(1))

    assert (log.waiting, log.dropped, log.waiting_bytes) == (1, TOGETHER, entry(1).weight)


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
