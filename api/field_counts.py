"""What callers tell and leave out, field by field. Counted where predictions are logged: no request waits for it.

A caller that stops sending a field, or sends one that no encounter of the data set has, shows here within a minute;
monitoring sees it a day later, and says whether it is more than chance.
"""

import time
from collections import Counter, defaultdict
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

_UNSEEN: Final = tuple(UNSEEN.items())
_TURN: Final = 64
"""Entries counted at a time; other threads get a turn at the interpreter in between."""


class FieldCounts(Collector):
    """Counts the records of log entries. Written by one thread; load tests do not count.

    Nor do bodies above 256 KiB: their records are read in a process of its own and arrive here as they are written.
    """

    def __init__(self) -> None:
        nothing = Counter(dict.fromkeys(FEATURE_NAMES, 0))
        # Replaced as a whole: what is collected in between belongs together, and no counter ever falls.
        self._counts = 0, nothing, Counter(dict.fromkeys(UNSEEN, 0))

    def count(self, batch: Sequence[Entry]) -> None:
        """Add the records of a batch."""
        records, given, unseen = self._counts[0], self._counts[1].copy(), self._counts[2].copy()
        shapes: defaultdict[tuple[str, ...], int] = defaultdict(int)  # callers mostly send the same fields
        for number, entry in enumerate(batch, 1):
            if number % _TURN == 0:
                time.sleep(0)
            if entry.load_test:
                continue
            records += len(entry.records)
            for record, known in zip(entry.records, entry.known_fields, strict=False):
                whole = len(record) == known  # no null and no identifier in it
                shapes[tuple(record if whole else (name for name, value in record.items() if value is not None))] += 1
                for name in [name for name, values in _UNSEEN if record.get(name) in values]:
                    unseen[name] += 1
        for shape, times in shapes.items():
            for name in shape:
                given[name] += times
        self._counts = records, given, unseen

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counts as they are now."""
        records, given, unseen_values = self._counts
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
