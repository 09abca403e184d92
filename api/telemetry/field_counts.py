"""What callers tell and leave out, field by field. Counted where predictions are logged: no request waits for it.

A caller that stops sending a field, or sends one that no encounter of the data set has, shows here within a minute;
monitoring sees it a day later, and says whether it is more than chance.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from threading import Lock
from typing import Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from api.storage.prediction_table import Entry
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

_UNSEEN: Final = tuple(UNSEEN.items())
_SHAPES: Final = 1_000
"""Kinds of records, by the fields that they give, after which the counts of all of them are added up."""
_TURN: Final = 64
"""Records counted at a time; other threads get a turn at the interpreter in between."""


class FieldCounts(Collector):
    """Counts the records of log entries, in whatever thread. Load tests do not count.

    Nor do bodies above 256 KiB: their records are read in a process of its own and arrive here as they are written.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._records = 0
        self._shapes: defaultdict[tuple[str, ...], int] = defaultdict(int)  # callers mostly send the same fields
        self._given = Counter(dict.fromkeys(FEATURE_NAMES, 0))
        self._unseen = Counter(dict.fromkeys(UNSEEN, 0))

    def count(self, entry: Entry) -> None:
        """Add the records of an entry."""
        if entry.load_test:
            return
        for number, (record, known) in enumerate(zip(entry.records, entry.known_fields, strict=False), 1):
            if number % _TURN == 0:
                time.sleep(0)
            whole = len(record) == known  # no null and no identifier in it
            shape = tuple(record if whole else [name for name, value in record.items() if value is not None])
            unseen = [name for name, values in _UNSEEN if record.get(name) in values]
            with self._lock:
                self._records += 1
                self._shapes[shape] += 1
                for name in unseen:
                    self._unseen[name] += 1
                if len(self._shapes) > _SHAPES:
                    self._add_up()

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counts as they are now."""
        with self._lock:
            self._add_up()
            records, given, unseen_values = self._records, self._given.copy(), self._unseen.copy()
        yield CounterMetricFamily("api_field_records", "Logged records whose fields were looked at.", records)
        missing = CounterMetricFamily(
            "api_missing_fields", "Of these, records that did not give the feature.", labels=["feature"]
        )
        for name in FEATURE_NAMES:
            missing.add_metric([name], records - given[name])
        yield missing
        unseen = CounterMetricFamily(
            "api_unseen_categories", "Of these, records with a value that no encounter has.", labels=["feature"]
        )
        for name, count in unseen_values.items():
            unseen.add_metric([name], count)
        yield unseen

    def _add_up(self) -> None:
        for shape, times in self._shapes.items():
            for name in shape:
                self._given[name] += times
        self._shapes.clear()
