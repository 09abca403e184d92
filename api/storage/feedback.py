"""Outcomes into PostgreSQL: told once, told again, corrected; in one transaction, within a time limit."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, Final, NoReturn

import orjson
import psycopg2

from api.contract.outcomes import Outcome, happened
from api.errors import NoDatabaseError
from api.settings import ApiSettings
from api.storage.circuit_breaker import Breaker
from api.storage.postgres import Postgres
from ml.core.pseudonyms import Pseudonyms

logger = logging.getLogger(__name__)

STATUSES: Final = {
    "recorded": "it was not known before",
    "unchanged": "it was known already",
    "corrected": "another outcome was known before, and is kept as history",
}
"""What became of an outcome."""

LIMIT_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 5.0
_GRACE_SECONDS: Final = 0.1
_LOCK: Final = 296_004
"""Writers take turns, so that the same outcome told twice at the same time is recorded once."""

_SAME_REQUEST: Final = "a.request_id = g.request_id AND a.position = g.position"
_SAME_ENCOUNTER: Final = "a.encounter = g.encounter"
# Apart, since no index helps to find the last of what one OR the other has.
_STORE: Final = f"""
SELECT pg_advisory_xact_lock({_LOCK});
WITH given AS MATERIALIZED (
    SELECT g.*, before.id AS before_id, (before.readmitted_within_30_days, before.readmitted, before.known_on)
        IS NOT DISTINCT FROM (g.readmitted_within_30_days, g.readmitted, g.known_on) AS is_same
    FROM jsonb_to_recordset(%s::jsonb) AS g (
        item integer, request_id text, position integer, encounter text,
        readmitted_within_30_days boolean, readmitted text, known_on date
    )
    LEFT JOIN LATERAL (
        (SELECT * FROM outcomes a WHERE {_SAME_REQUEST} ORDER BY a.id DESC LIMIT 1)
        UNION ALL
        (SELECT * FROM outcomes a WHERE {_SAME_ENCOUNTER} ORDER BY a.id DESC LIMIT 1)
    ) before ON true
), stored AS (
    INSERT INTO outcomes
        (request_id, position, encounter, readmitted_within_30_days, readmitted, known_on, client)
    SELECT request_id, position, encounter, readmitted_within_30_days, readmitted, known_on, %s
    FROM given WHERE NOT is_same ORDER BY item
)
SELECT
    CASE WHEN g.before_id IS NULL THEN 'recorded' WHEN g.is_same THEN 'unchanged' ELSE 'corrected' END,
    (SELECT count(*) FROM predictions a WHERE {_SAME_REQUEST})
        + (SELECT count(*) FROM predictions a WHERE {_SAME_ENCOUNTER})
FROM given g ORDER BY g.item
"""  # noqa: S608  names of our own

Result = tuple[str, int]
"""A key of STATUSES, and how many logged predictions the outcome is of."""


class Feedback:
    """Stores outcomes in a thread of its own: a database that hangs holds up nothing else."""

    def __init__(self, postgres: Postgres, pseudonyms: Pseudonyms) -> None:
        self._postgres = postgres
        self._pseudonyms = pseudonyms
        self._breaker = Breaker(PAUSE_SECONDS)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="feedback")

    @classmethod
    def of(cls, settings: ApiSettings, pseudonyms: Pseudonyms) -> "Feedback":
        """Into the ``diabetes`` database."""
        options = {
            **settings.database_login,
            # The server gives up too; and never reads whole tables for want of statistics.
            "options": f"-c statement_timeout={int(1000 * LIMIT_SECONDS)} -c enable_seqscan=off",
            "application_name": "feedback",
        }
        return cls(Postgres(options), pseudonyms)

    async def store(self, outcomes: Sequence[Outcome], client: str) -> list[Result]:
        """Store outcomes, all or none.

        Raises:
            NoDatabaseError: PostgreSQL is away or slow. They may have been stored all the same: telling them again is
                safe.
        """
        if not self._breaker.admits():
            raise NoDatabaseError()
        storing = self._pool.submit(self._store, outcomes, client, monotonic() + LIMIT_SECONDS)
        waiting = asyncio.wrap_future(storing)
        done, _ = await asyncio.wait([waiting], timeout=LIMIT_SECONDS + _GRACE_SECONDS)
        if not done:
            waiting.cancel()
            self._fail("PostgreSQL did not answer in time")
        return waiting.result()

    def stop(self) -> None:
        """Close the connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._postgres.close()

    def _store(self, outcomes: Sequence[Outcome], client: str, deadline: float) -> list[Result]:
        items = orjson.dumps([self._row(item, outcome) for item, outcome in enumerate(outcomes)]).decode()
        try:
            rows = self._postgres.ask(_STORE, (items, client), deadline)
        except (psycopg2.Error, OSError) as error:
            self._fail((str(error).strip() or type(error).__name__).splitlines()[0])
        if self._breaker.succeeded():
            logger.info("outcomes can be stored again")
        return [(status, count) for status, count in rows]

    def _row(self, item: int, outcome: Outcome) -> dict[str, Any]:
        return {
            "item": item,
            "request_id": outcome.get("request_id"),
            "position": outcome.get("position", 0) if "request_id" in outcome else None,
            "encounter": self._pseudonyms.encounter(outcome.get("encounter_id")),
            "readmitted_within_30_days": happened(outcome),
            "readmitted": outcome.get("readmitted"),
            "known_on": outcome["known_on"],
        }

    def _fail(self, reason: str) -> NoReturn:
        if self._breaker.failed():
            logger.warning("outcomes cannot be stored: %s", reason)
        raise NoDatabaseError()
