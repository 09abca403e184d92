"""The queue of the prediction log, while PostgreSQL is unavailable."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from api.storage.prediction_log import FORMAT_ENTRIES, SMALL_ENTRY, PredictionLog
from api.storage.prediction_table import LogEntry, PredictionTable
from ml.core.pseudonyms import Pseudonyms
from ml.schema import EXAMPLE_RECORD, Record

UNREACHABLE = {"host": "127.0.0.1", "port": 9, "connect_timeout": 1, "password": lambda: "unused"}


def log_of(**more: Any) -> PredictionLog:
    table = PredictionTable(UNREACHABLE, Pseudonyms(b"key", "hash"))
    bounds = {"capacity": 10, "capacity_bytes": 10**9, "on_entry": lambda _: None}
    return PredictionLog(table, **(bounds | more))


def entry(size: int, record: Record | None = None) -> LogEntry:
    probabilities, record = np.zeros(size, dtype=np.float32), record or {}
    known = [len(record)] * size
    return LogEntry("id", datetime.now(UTC), "1", "real", False, [record] * size, known, probabilities, "address:0")


def test_a_full_queue_drops_and_counts() -> None:
    log = log_of()

    for size in (6, 5, 4, 1):
        log.put(entry(size))

    assert (log.queued, log.dropped) == (10, 6)


def test_the_queue_is_bounded_by_memory_as_well_as_by_number() -> None:
    log = log_of(capacity=1_000, capacity_bytes=100_000)

    for _ in range(100):
        log.put(entry(1, EXAMPLE_RECORD))
    large = log.queued
    for _ in range(100):
        log.put(entry(10))

    assert 30 < large < 60
    assert log.queued_bytes <= 100_000
    assert log.queued + log.dropped == 1_100


def test_small_entries_are_formatted_together_and_others_by_the_thread() -> None:
    formatted: list[LogEntry] = []
    log = log_of(capacity=1_000, on_entry=formatted.append)

    log.put(entry(SMALL_ENTRY + 1))
    for _ in range(FORMAT_ENTRIES - 1):
        log.put(entry(SMALL_ENTRY))
    assert formatted == []
    log.put(entry(SMALL_ENTRY))

    assert [one.size for one in formatted] == [SMALL_ENTRY] * FORMAT_ENTRIES
    assert log.queued == FORMAT_ENTRIES * SMALL_ENTRY + SMALL_ENTRY + 1


def test_entries_that_cannot_be_formatted_are_dropped_and_the_log_continues() -> None:
    log = log_of(capacity=1_000)
    invalid = replace(entry(1), probabilities=np.zeros(2, np.float32))  # more probabilities than records

    for _ in range(FORMAT_ENTRIES):
        log.put(replace(invalid))
    log.put(entry(1))

    assert (log.queued, log.dropped, log.queued_bytes) == (1, FORMAT_ENTRIES, entry(1).memory)


def test_stop_ends_without_a_database_and_counts_unwritten_predictions_as_dropped() -> None:
    log = log_of()
    log.start()
    log.put(entry(3))

    log.stop()

    assert (log.queued, log.queued_bytes, log.written, log.dropped) == (0, 0, 0, 3)


@pytest.mark.parametrize("size", [1, SMALL_ENTRY + 1])
def test_a_log_that_is_off_counts_fields_and_drops_nothing(size: int) -> None:
    counted: list[LogEntry] = []
    log = log_of(is_on=False, on_entry=counted.append)
    log.start()
    log.put(entry(size))
    log.stop()

    assert [one.size for one in counted] == [size]
    assert (log.queued, log.queued_bytes, log.written, log.dropped) == (0, 0, 0, 0)


def test_entries_after_the_stop_are_dropped() -> None:
    log = log_of()
    log.start()
    log.stop()

    log.put(entry(2))

    assert log.dropped == 2
