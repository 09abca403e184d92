"""Counts of missing fields and unseen categories."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from prometheus_client import CollectorRegistry

from api.storage.prediction_table import LogEntry
from api.telemetry.field_counts import UNSEEN, FieldCounts
from ml.core.reliability import known_fields
from ml.schema import BY_NAME, EXAMPLE_RECORD, Record


def entry(*records: Record, load_test: bool = False) -> LogEntry:
    answers = np.zeros(len(records), np.float32)
    known = [known_fields(record) for record in records]
    return LogEntry("id", datetime.now(UTC), "1", "real", load_test, list(records), known, answers, "address:0")


def counted(batch: Sequence[LogEntry]) -> CollectorRegistry:
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


def test_load_tests_and_formatted_entries_do_not_count() -> None:
    formatted = replace(entry({}), records=[], known_fields=[3], rows=b"row\n")

    registry = counted([entry({}, load_test=True), formatted])

    assert registry.get_sample_value("api_field_records_total") == 0
    assert missing(registry, "gender") == 0


def test_counts_do_not_depend_on_the_number_of_field_sets_and_of_scrapes() -> None:
    names = [name for name in EXAMPLE_RECORD if name != "gender"][:12]
    counts, registry = FieldCounts(), CollectorRegistry()
    registry.register(counts)

    for number in range(2**12):  # each with other fields
        counts.count(entry({name: EXAMPLE_RECORD[name] for bit, name in enumerate(names) if number >> bit & 1}))
        if number % 1_000 == 0:
            assert missing(registry, "gender") == number + 1

    assert [missing(registry, name) for name in names] == [2**11] * 12
