"""Counts missing fields and unseen categories in logged records, field by field; no request waits for it.

A caller that stops sending a field, or sends a value that the data set does not have, shows here within a minute.
Monitoring tests the same for significance a day later.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from threading import Lock
from typing import Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from api.storage.prediction_table import LogEntry
from ml.schema import FEATURE_NAMES, FEATURES
from ml.schema.columns import Kind
from ml.schema.marginals import MARGINALS

UNSEEN: Final[dict[str, frozenset[str | int]]] = {
    column.name: unseen
    for column in FEATURES
    if column.kind in (Kind.CATEGORY, Kind.CODE)
    if (unseen := frozenset(column.allowed) - frozenset(MARGINALS[column.name]))
}
"""Allowed values that no encounter of the data set has, by feature."""

_UNSEEN: Final = tuple(UNSEEN.items())
_MAX_FIELD_SETS: Final = 1_000
"""Distinct sets of known fields that are counted apart before they are added up."""
_RECORDS_PER_TURN: Final = 64
"""Records counted before the thread yields the interpreter lock."""


class FieldCounts(Collector):
    """Counts the records of log entries. Thread-safe. Load tests do not count.

    Nor do bodies above 256 KiB: a worker process reads their records.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._records = 0
        self._field_sets: defaultdict[tuple[str, ...], int] = defaultdict(int)  # a caller mostly sends the same fields
        self._known = Counter(dict.fromkeys(FEATURE_NAMES, 0))
        self._unseen = Counter(dict.fromkeys(UNSEEN, 0))

    def count(self, entry: LogEntry) -> None:
        """Add the records of an entry."""
        if entry.load_test:
            return
        for number, (record, known) in enumerate(zip(entry.records, entry.known_fields, strict=False), 1):
            if number % _RECORDS_PER_TURN == 0:
                time.sleep(0)
            is_plain = len(record) == known  # no null and no identifier
            fields = tuple(record if is_plain else [name for name, value in record.items() if value is not None])
            unseen = [name for name, values in _UNSEEN if record.get(name) in values]
            with self._lock:
                self._records += 1
                self._field_sets[fields] += 1
                for name in unseen:
                    self._unseen[name] += 1
                if len(self._field_sets) > _MAX_FIELD_SETS:
                    self._add_up()

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The current counts."""
        with self._lock:
            self._add_up()
            records, known, unseen_values = self._records, self._known.copy(), self._unseen.copy()
        yield CounterMetricFamily("api_field_records", "Logged records whose fields were counted.", records)
        missing = CounterMetricFamily("api_missing_fields", "Those without the feature.", labels=["feature"])
        for name in FEATURE_NAMES:
            missing.add_metric([name], records - known[name])
        yield missing
        unseen = CounterMetricFamily(
            "api_unseen_categories", "Those with a value that no encounter of the data set has.", labels=["feature"]
        )
        for name, count in unseen_values.items():
            unseen.add_metric([name], count)
        yield unseen

    def _add_up(self) -> None:
        for fields, count in self._field_sets.items():
            for name in fields:
                self._known[name] += count
        self._field_sets.clear()
