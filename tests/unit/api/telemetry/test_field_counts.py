"""Fields that callers give and leave out, and values that nobody has ever had."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from prometheus_client import CollectorRegistry

from api.storage.prediction_table import Entry
from api.telemetry.field_counts import UNSEEN, FieldCounts
from ml.core.reliability import known_fields
from ml.schema import BY_NAME, EXAMPLE_RECORD, Record


def entry(*records: Record, load_test: bool = False) -> Entry:
    answers = np.zeros(len(records), np.float32)
    known = [known_fields(record) for record in records]
    return Entry("id", datetime.now(UTC), "1", "real", load_test, list(records), known, answers, "address:0")


def counted(batch: Sequence[Entry]) -> CollectorRegistry:
    counts, registry = FieldCounts(), CollectorRegistry()
    for one in batch:
        counts.count(one)
    registry.register(counts)
    return registry


def missing(registry: CollectorRegistry, feature: str) -> float | None:
    return registry.get_sample_value("api_missing_fields_total", {"feature": feature})


def test_a_feature_is_missing_when_it_is_absent_or_null_and_identifiers_do_not_count() -> None:
    registry = counted([entry({"gender": "Female", "race": None, "patient_nbr": 7}, dict(EXAMPLE_RECORD)), entry({})])

    assert registry.get_sample_value("api_field_records_total") == 3
    assert missing(registry, "gender") == 1
    assert missing(registry, "race") == 2
    assert missing(registry, "age") == 2
    assert missing(registry, "patient_nbr") is None


def test_a_value_that_no_encounter_has_is_counted_by_feature() -> None:
    feature, values = next(iter(UNSEEN.items()))
    odd = next(iter(values))
    assert BY_NAME[feature].accepts(odd)

    registry = counted([entry({feature: odd}, dict(EXAMPLE_RECORD))])

    labels = {"feature": feature}
    assert registry.get_sample_value("api_unseen_categories_total", labels) == 1


def test_load_tests_and_entries_without_records_do_not_count() -> None:
    rows_only = Entry("id", datetime.now(UTC), "1", "real", False, [], [3], np.zeros(1, np.float32), "a:0", 0, b"row\n")

    registry = counted([entry({}, load_test=True), rows_only])

    assert registry.get_sample_value("api_field_records_total") == 0
    assert missing(registry, "gender") == 0


def test_counts_are_the_same_however_many_kinds_of_records_there_are_and_however_often_they_are_read() -> None:
    names = [name for name in EXAMPLE_RECORD if name != "gender"][:12]
    counts, registry = FieldCounts(), CollectorRegistry()
    registry.register(counts)

    for number in range(2**12):  # each with other fields
        counts.count(entry({name: EXAMPLE_RECORD[name] for bit, name in enumerate(names) if number >> bit & 1}))
        if number % 1_000 == 0:
            assert missing(registry, "gender") == number + 1

    assert [missing(registry, name) for name in names] == [2**11] * 12
