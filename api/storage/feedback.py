"""Stores outcomes of patients in PostgreSQL: new, repeated and corrected ones, in one transaction with a time limit."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

import orjson

from api.contract.field_errors import FieldError, invalid_records
from api.contract.outcomes import Outcome, is_readmitted
from api.errors import NoDatabaseError
from api.settings import ApiSettings
from api.storage.postgres import DatabaseUnavailableError, PostgresClient, Row, connection_options
from ml.core.pseudonyms import Pseudonyms

LIMIT_SECONDS: Final = 5.0
_LOCK: Final = 296_004
"""Key of the advisory lock that serialises writers, so that an outcome sent twice at once is recorded once."""

_OF_REQUEST: Final = "a.request_id = g.request_id AND coalesce(a.position, 0) = coalesce(g.position, 0)"
_OF_ENCOUNTER: Final = "a.encounter = g.encounter"
_CLOCK: Final = "interval '12 hours'"
"""The date of a prediction west of UTC may be the day before; no zone of the earth is further from UTC."""
# Two queries with UNION: no index serves a condition with OR.
_STORE: Final = f"""
SELECT pg_advisory_xact_lock({_LOCK});
WITH given AS MATERIALIZED (
    SELECT g.*, before.id AS before_id, (before.readmitted_within_30_days, before.readmitted, before.known_on)
        IS NOT DISTINCT FROM (g.readmitted_within_30_days, g.readmitted, g.known_on)
            AND (before.position IS NOT NULL OR g.position IS NULL) AS is_same,
        before.client LIKE 'key:%%' AND before.client <> reporter.client AS is_of_another,
        reporter.client AS reported_by,
        logged.count, (logged.first AT TIME ZONE 'UTC')::date AS predicted_on,
        g.known_on < (logged.first AT TIME ZONE 'UTC' - {_CLOCK})::date AS is_early,
        CASE WHEN g.request_id IS NOT NULL AND g.position IS NULL
            THEN (SELECT max(a.position) + 1 FROM predictions a WHERE a.request_id = g.request_id) END AS records
    FROM jsonb_to_recordset(%s::jsonb) AS g (
        item integer, request_id text, position integer, encounter text,
        readmitted_within_30_days boolean, readmitted text, known_on date
    )
    CROSS JOIN (SELECT %s::text AS client) reporter
    LEFT JOIN LATERAL (
        (SELECT * FROM outcomes a WHERE {_OF_REQUEST} ORDER BY a.id DESC LIMIT 1)
        UNION ALL
        (SELECT * FROM outcomes a WHERE {_OF_ENCOUNTER} ORDER BY a.id DESC LIMIT 1)
    ) before ON true
    CROSS JOIN LATERAL (
        SELECT count(*), min(predicted_at) AS first FROM (
            SELECT predicted_at FROM predictions a WHERE a.request_id = g.request_id
                AND a.position = coalesce(g.position, 0)
            UNION ALL
            SELECT predicted_at FROM predictions a WHERE {_OF_ENCOUNTER}
        ) found
    ) logged
), stored AS (
    INSERT INTO outcomes
        (request_id, position, encounter, readmitted_within_30_days, readmitted, known_on, client)
    SELECT request_id, position, encounter, readmitted_within_30_days, readmitted, known_on, reported_by
    FROM given WHERE NOT is_same AND NOT EXISTS (
        SELECT FROM given WHERE is_early OR records > 1 OR is_of_another AND NOT is_same
    ) ORDER BY item
)
SELECT
    CASE WHEN g.before_id IS NULL THEN 'recorded' WHEN g.is_same THEN 'unchanged' ELSE 'corrected' END,
    g.count, CASE WHEN g.is_early THEN g.predicted_on END, g.records, g.is_of_another AND NOT g.is_same
FROM given g ORDER BY g.item
"""  # noqa: S608 -- constants of this module


class FeedbackStore:
    """Stores outcomes. Its thread is its own, so that a database that hangs blocks nothing else."""

    def __init__(self, settings: ApiSettings, pseudonyms: Pseudonyms) -> None:
        # Before the first ANALYZE, PostgreSQL would scan whole tables.
        options = connection_options(settings, "feedback", LIMIT_SECONDS, "-c enable_seqscan=off")
        self._postgres = PostgresClient(options, threads=1)
        self._pseudonyms = pseudonyms

    async def store(self, outcomes: Sequence[Outcome], client: str) -> list[tuple[str, int]]:
        """Store outcomes, all or none.

        Returns:
            For each outcome a key of :data:`api.contract.responses.OUTCOME_STATUSES`, and the number of logged
            predictions that it belongs to.

        Raises:
            NoDatabaseError: PostgreSQL is unavailable or slow. The outcomes may have been stored: a retry is safe.
            InvalidRecordsError: an outcome does not fit the logged predictions, or another API key reported it.
        """
        items = await asyncio.to_thread(self._to_json, outcomes)
        try:
            rows = await self._postgres.fetch(_STORE, (items, client), LIMIT_SECONDS)
        except DatabaseUnavailableError as error:
            raise NoDatabaseError("PostgreSQL is unavailable; try again in a moment.") from error
        if errors := list(_contradictions(outcomes, rows)):
            raise invalid_records(errors, len(errors), "outcome")
        return [(status, count) for status, count, *_ in rows]

    def stop(self) -> None:
        """Close the connections."""
        self._postgres.close()

    def _to_json(self, outcomes: Sequence[Outcome]) -> str:
        rows = [
            {
                "item": item,
                "request_id": outcome.get("request_id"),
                "position": outcome.get("position"),
                "encounter": self._pseudonyms.encounter(outcome.get("encounter_id")),
                "readmitted_within_30_days": is_readmitted(outcome),
                "readmitted": outcome.get("readmitted"),
                "known_on": outcome["known_on"],
            }
            for item, outcome in enumerate(outcomes)
        ]
        return orjson.dumps(rows).decode()


def _contradictions(outcomes: Sequence[Outcome], rows: Sequence[Row]) -> Iterator[FieldError]:
    """Errors of outcomes that do not fit the logged predictions."""
    for index, (outcome, (_, _, predicted_on, records, is_of_another)) in enumerate(zip(outcomes, rows, strict=True)):
        if records is not None and records > 1:
            message = f"position: the request has {records} records; give the position of the record, from 0"
            yield FieldError(index, "position", None, message)
        elif predicted_on is not None:
            known_on = str(outcome["known_on"])
            message = f"known_on: {known_on} is before the prediction of {predicted_on}; give the day of the outcome"
            yield FieldError(index, "known_on", known_on, message)
        elif is_of_another:
            name = "request_id" if "request_id" in outcome else "encounter_id"
            message = f"{name}: another client reported this outcome, and only that client may correct it"
            yield FieldError(index, name, str(outcome.get(name)), message)
