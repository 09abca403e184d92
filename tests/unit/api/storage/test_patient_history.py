"""The cache in front of PostgreSQL: bounded in number and in time. PostgreSQL is replaced by a list of queries."""

from collections.abc import Collection, Sequence
from typing import Any

import pytest

from api.storage.patient_history import CACHE_SECONDS, PatientHistory
from api.storage.postgres import DatabaseUnavailableError, PostgresClient
from ml.core.history import LOOKUP_COLUMNS


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Patients of each query; PostgreSQL has one encounter of each even patient, and fails for patient 13."""
    asked: list[list[int]] = []

    def fetch(_: PostgresClient, __: str, values: Sequence[Any], ___: float) -> list[tuple[Any, ...]]:
        patients: Collection[int] = values[0]
        asked.append(sorted(patients))
        if 13 in patients:
            raise DatabaseUnavailableError
        values_of_stay = [None] * (len(LOOKUP_COLUMNS) - 1)
        return [(patient, 10 * patient, *values_of_stay) for patient in patients if patient % 2 == 0]

    monkeypatch.setattr(PostgresClient, "fetch_blocking", fetch)
    return asked


def history_of(monkeypatch: pytest.MonkeyPatch, capacity: int = 100) -> PatientHistory:
    monkeypatch.setattr("api.storage.patient_history.CACHED_PATIENTS", capacity)
    return PatientHistory({"application_name": "test"}, 1)


def test_known_and_unknown_patients_are_looked_up_once(
    queries: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = history_of(monkeypatch)

    found = [history.find_blocking(patients) for patients in ([1, 2], [1, 2, 4], [2])]

    assert queries == [[1, 2], [4]]
    assert found[0] == {1: (), 2: found[1][2]}
    assert [encounter["encounter_id"] for encounter in found[1][4]] == [40]


def test_the_least_recently_used_patient_is_evicted(queries: list[list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    history = history_of(monkeypatch, capacity=2)

    for patient in (2, 4, 2, 6, 2, 4):
        history.find_blocking([patient])

    assert queries == [[2], [4], [6], [4]]


def test_entries_expire(queries: list[list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.storage.patient_history.CACHE_SECONDS", 0)
    history = history_of(monkeypatch)

    for _ in range(2):
        history.find_blocking([2])

    assert queries == [[2], [2]]
    assert CACHE_SECONDS > 0


def test_a_failed_lookup_returns_the_cached_patients_and_is_not_cached(
    queries: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = history_of(monkeypatch)
    history.find_blocking([2])

    for _ in range(2):
        assert history.find_blocking([2, 13]).keys() == {2}

    assert queries == [[2], [13], [13]]
