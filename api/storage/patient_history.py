"""The earlier stays of the patients in a request: looked up while it waits, and left out when that takes long.

Nothing here can fail a prediction, or delay it by more than the time limit; and while the database is away the
breaker sees to it that next to none waits at all.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from math import ceil
from time import monotonic
from typing import Any, Final

import psycopg2

from api.settings import ApiSettings
from api.storage.circuit_breaker import Breaker
from api.storage.encounters import Encounter, EncounterReader, in_cohort
from api.storage.expiring_cache import ExpiringCache
from ml.core.history import history_of
from ml.schema import ENCOUNTER_ID, FEATURE_NAMES, PATIENT_ID, Record

logger = logging.getLogger(__name__)

USED: Final = "used"
UNKNOWN: Final = "unknown"
UNAVAILABLE: Final = "unavailable"
NONE: Final = "none"
STATES: Final = {
    USED: "the patient's earlier stays were taken into account; a known patient's first stay is history too",
    UNKNOWN: "the database does not know the patient",
    UNAVAILABLE: "the database was away or too slow",
    NONE: "no patient_nbr was given",
}
"""What an answer says of the history behind it."""

CACHED_PATIENTS: Final = 10_000
CACHED_SECONDS: Final = 60.0
"""New encounters arrive once a day; until a minute after, a patient's history may be the one before."""
PAUSE_SECONDS: Final = 5.0
THREADS: Final = 2
PATIENTS_PER_LIMIT: Final = 1_000
"""The time limit is for so many patients; a batch with more has a multiple of it."""
_GRACE_SECONDS: Final = 0.05
"""The reader keeps its deadline by itself, save while it resolves a host name: then it is left behind."""

_TOO_SLOW: Final = "PostgreSQL did not answer in time"

_Encounters = dict[int, tuple[Encounter, ...]]
Encounters = Mapping[int, tuple[Encounter, ...]]
"""All encounters of patients, oldest first; empty for one that is not known. A patient not looked up is absent."""


class History:
    """Finds the encounters of patients, in memory or in PostgreSQL. Safe to call from several threads."""

    def __init__(self, connection: Mapping[str, Any], limit_seconds: float) -> None:
        self._limit = limit_seconds
        self._reader = EncounterReader(connection)
        self._cache: ExpiringCache[int, tuple[Encounter, ...]] = ExpiringCache(CACHED_PATIENTS, CACHED_SECONDS)
        self._breaker = Breaker(PAUSE_SECONDS)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="history")

    @classmethod
    def of(cls, settings: ApiSettings) -> "History":
        """The history in the ``diabetes`` database."""
        return cls(connection_options(settings), settings.history_timeout_seconds)

    async def find(self, patients: Collection[int]) -> Encounters:
        """Encounters of some patients, without blocking the event loop."""
        found, missing = self._at_hand(patients)
        if not missing:
            return found
        reading, seconds = self._begin(missing)
        waiting = asyncio.wrap_future(reading)
        done, _ = await asyncio.wait([waiting], timeout=seconds)
        if not done:
            waiting.cancel()
            return found | self._fail(_TOO_SLOW)
        return found | waiting.result()

    def find_blocking(self, patients: Collection[int]) -> Encounters:
        """The same from a thread that may wait."""
        found, missing = self._at_hand(patients)
        if not missing:
            return found
        reading, seconds = self._begin(missing)
        if not wait([reading], timeout=seconds).done:
            reading.cancel()
            return found | self._fail(_TOO_SLOW)
        return found | reading.result()

    def stop(self) -> None:
        """Close the connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._reader.close()

    def _at_hand(self, patients: Collection[int]) -> tuple[_Encounters, list[int]]:
        """What is known already, and what to ask the database for; nothing while it had better be left alone."""
        found = self._cache.find(patients)
        missing = [patient for patient in patients if patient not in found]
        return found, missing if missing and self._breaker.admits() else []

    def _begin(self, missing: list[int]) -> tuple[Future[_Encounters], float]:
        """A reading that never raises, and how many seconds to wait for it."""
        limit = self._limit * ceil(len(missing) / PATIENTS_PER_LIMIT)
        return self._pool.submit(self._read, missing, monotonic() + limit), limit + _GRACE_SECONDS

    def _read(self, missing: list[int], deadline: float) -> _Encounters:
        try:
            read = self._reader.read(missing, deadline)
        except TimeoutError:
            return self._fail(_TOO_SLOW)
        except (psycopg2.Error, OSError) as error:
            return self._fail((str(error).strip() or type(error).__name__).splitlines()[0])
        except Exception:
            logger.exception("looking up the history of patients failed in an unforeseen way")
            return self._fail("the log says why")
        self._cache.keep(read)
        if self._breaker.succeeded():
            logger.info("the history of patients can be looked up again")
        return read

    def _fail(self, reason: str) -> _Encounters:
        if self._breaker.failed():
            logger.warning("predictions go without the history of patients: %s", reason)
        return {}


def patients_of(records: Sequence[Record]) -> set[int]:
    """Numbers of the patients that the records name."""
    return {number for record in records if isinstance(number := record.get(PATIENT_ID), int)}


def recall(record: Record, found: Encounters) -> tuple[Record, str]:
    """A record as the model takes it, without identifiers and with history where there is one; and a key of STATES.

    The earlier stays are those before the record's ``encounter_id``; without one, all that are known.
    """
    features = {name: record[name] for name in FEATURE_NAMES if name in record}
    patient = record.get(PATIENT_ID)
    if patient is None:
        return features, NONE
    encounters = found.get(int(patient))
    if not encounters:
        return features, UNAVAILABLE if encounters is None else UNKNOWN
    before = record.get(ENCOUNTER_ID)
    earlier = [e for e in encounters if in_cohort(e) and (before is None or e[ENCOUNTER_ID] < before)]
    return {**features, **history_of(earlier)}, USED


def connection_options(settings: ApiSettings) -> dict[str, Any]:
    """How to connect. The server gives up too, and never reads the whole table for want of statistics."""
    longest = settings.history_timeout_seconds * ceil(settings.max_records / PATIENTS_PER_LIMIT)
    return {
        **settings.database_login,
        "options": f"-c statement_timeout={ceil(1000 * longest)} -c enable_seqscan=off",
        "application_name": "patient-history",
    }
