"""Looks up the encounters of patients, within a time limit, in a cache and in PostgreSQL.

A lookup never fails a prediction, and delays it by at most the time limit. While PostgreSQL is unavailable, the circuit
breaker skips nearly all lookups.
"""

import logging
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from typing import Any, Final

from cachetools import TTLCache

from api.settings import ApiSettings
from api.storage.postgres import DatabaseUnavailableError, PostgresClient, Row, connection_options
from ml.core.history import LOOKUP_COLUMNS, Encounters
from ml.schema import ENCOUNTER_ID, PATIENT_ID

logger = logging.getLogger(__name__)

CACHED_PATIENTS: Final = 10_000
CACHE_SECONDS: Final = 60.0
"""Encounters are ingested once a day; for this long afterwards, a cached history may be the previous one."""
THREADS: Final = 2
MOST_CACHED: Final = 100
"""Patients of one lookup that are cached. The cache is for those who are asked about again, and a file has others."""
PATIENTS_PER_LIMIT: Final = 500
"""The time limit applies to so many patients; a batch with more has a multiple of it.

Two blocks of a file, of 1,000 patients each, are looked up at a time.
"""

_QUERY: Final = (
    f"SELECT {PATIENT_ID}, {', '.join(LOOKUP_COLUMNS)} FROM raw_data "  # noqa: S608 -- names of the schema
    f"WHERE {PATIENT_ID} = ANY(%s::bigint[]) ORDER BY {ENCOUNTER_ID}"
)


class PatientHistory:
    """Returns all encounters of patients, oldest first. Thread-safe.

    An unknown patient has an empty tuple; a patient that could not be looked up is absent from the result.
    """

    def __init__(self, connection: Mapping[str, Any], limit_seconds: float) -> None:
        self._limit = limit_seconds
        self._postgres = PostgresClient(connection, THREADS)
        self._cache: TTLCache[int, Encounters] = TTLCache(CACHED_PATIENTS, CACHE_SECONDS)
        self._lock = threading.Lock()

    @classmethod
    def from_settings(cls, settings: ApiSettings) -> "PatientHistory":
        """The history in the ``diabetes`` database."""
        longest = settings.history_timeout_seconds * ceil(settings.max_records / PATIENTS_PER_LIMIT)
        # Before the first ANALYZE, PostgreSQL would scan the whole table.
        options = connection_options(settings, "patient-history", longest, "-c enable_seqscan=off")
        return cls(options, settings.history_timeout_seconds)

    async def find(self, patients: Collection[int]) -> dict[int, Encounters]:
        """Look up encounters without blocking the event loop."""
        found, missing = self._cached(patients)
        if missing:
            with _errors_logged():
                found |= self._add(missing, await self._postgres.fetch(_QUERY, (missing,), self._seconds(missing)))
        return found

    def find_blocking(self, patients: Collection[int]) -> dict[int, Encounters]:
        """The same as :meth:`find`, for threads that may wait."""
        found, missing = self._cached(patients)
        if missing:
            with _errors_logged():
                rows = self._postgres.fetch_blocking(_QUERY, (missing,), self._seconds(missing))
                found |= self._add(missing, rows)
        return found

    def stop(self) -> None:
        """Close the connections."""
        self._postgres.close()

    def _cached(self, patients: Collection[int]) -> tuple[dict[int, Encounters], list[int]]:
        """Encounters in the cache, and the patients that are not in it."""
        with self._lock:
            found = {patient: found for patient in patients if (found := self._cache.get(patient)) is not None}
        return found, [patient for patient in patients if patient not in found]

    def _add(self, patients: list[int], rows: list[Row]) -> dict[int, Encounters]:
        lists: dict[int, list[Mapping[str, Any]]] = {patient: [] for patient in patients}
        for row in rows:
            lists[row[0]].append(dict(zip(LOOKUP_COLUMNS, row[1:], strict=True)))
        encounters = {patient: tuple(of_patient) for patient, of_patient in lists.items()}
        if len(encounters) <= MOST_CACHED:
            with self._lock:
                self._cache.update(encounters)
        return encounters

    def _seconds(self, patients: list[int]) -> float:
        return self._limit * ceil(len(patients) / PATIENTS_PER_LIMIT)


@contextmanager
def _errors_logged() -> Iterator[None]:
    try:
        yield
    except DatabaseUnavailableError:
        pass  # logged by the client, once
    except Exception:  # any error: the prediction is answered without a history
        logger.exception("unexpected error in the lookup of patient history")
