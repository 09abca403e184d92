"""What callers tell and leave out, field by field. Counted where predictions are logged: no request waits for it.

A caller that stops sending a field, or sends one that no encounter of the data set has, shows here within a minute;
monitoring sees it a day later, and says whether it is more than chance.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from api.prediction_table import Entry
from ml.schema import FEATURE_NAMES, FEATURES
from ml.schema.columns import Kind
from ml.schema.marginals import MARGINALS

UNSEEN: Final[dict[str, frozenset[str | int]]] = {
    column.name: unseen
    for column in FEATURES
    if column.kind in (Kind.CATEGORY, Kind.CODE)
    if (unseen := frozenset(column.allowed) - frozenset(MARGINALS[column.name]))
}
"""Values that the code book allows and no encounter of the data set has, of the features that have some."""

_TURN: Final = 64
"""Entries counted at a time; other threads get a turn at the interpreter in between."""


class FieldCounts(Collector):
    """Counts the records of log entries. Written by one thread; load tests do not count.

    Nor do bodies above 256 KiB: their records are read in a process of its own and arrive here as they are written.
    """

    def __init__(self) -> None:
        self._records = 0
        self._given: Counter[str] = Counter(dict.fromkeys(FEATURE_NAMES, 0))
        self._unseen: Counter[str] = Counter(dict.fromkeys(UNSEEN, 0))

    def count(self, batch: Sequence[Entry]) -> None:
        """Add the records of a batch."""
        for number, entry in enumerate(batch, 1):
            if number % _TURN == 0:
                time.sleep(0)
            if entry.load_test:
                continue
            self._records += len(entry.records)
            for record, known in zip(entry.records, entry.known_fields, strict=False):
                whole = len(record) == known  # no null and no identifier in it
                self._given.update(record.keys() if whole else (n for n, value in record.items() if value is not None))
                for name, values in UNSEEN.items():
                    self._unseen[name] += record.get(name) in values

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counts as they are now."""
        records = self._records
        yield CounterMetricFamily("api_field_records", "Logged records whose fields were looked at.", records)
        missing = CounterMetricFamily(
            "api_missing_fields", "Of these, records that did not give the feature.", labels=["feature"]
        )
        for name in FEATURE_NAMES:
            missing.add_metric([name], max(records - self._given[name], 0))
        yield missing
        unseen = CounterMetricFamily(
            "api_unseen_categories", "Of these, records with a value that no encounter has.", labels=["feature"]
        )
        for name, count in self._unseen.items():
            unseen.add_metric([name], count)
        yield unseen
