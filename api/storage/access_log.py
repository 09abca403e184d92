"""Enters explanations in the access log. PostgreSQL itself enters predictions and outcomes, by triggers."""

import logging
from collections.abc import Sequence
from typing import Final

import orjson

from api.settings import ApiSettings
from api.storage.postgres import DatabaseUnavailableError, PostgresClient, connection_options
from ml.core.pseudonyms import Pseudonyms
from ml.schema import ENCOUNTER_ID, PATIENT_ID, Record

logger = logging.getLogger(__name__)

LIMIT_SECONDS: Final = 1.0
_INSERT: Final = """
WITH added AS (
    INSERT INTO accesses (action, client, request_id, patient, encounter)
    SELECT 'explained', %s, %s, g.patient, g.encounter
    FROM jsonb_to_recordset(%s::jsonb) AS g (patient text, encounter text)
) SELECT 1
"""


class AccessLog:
    """Writes entries over a connection of its own; nothing if the prediction log is off."""

    def __init__(self, settings: ApiSettings, pseudonyms: Pseudonyms) -> None:
        self._postgres = PostgresClient(connection_options(settings, "access-log", LIMIT_SECONDS), threads=1)
        self._pseudonyms = pseudonyms
        self._is_on = settings.prediction_log

    async def explained(self, records: Sequence[Record], client: str, request_id: str) -> None:
        """Log that a client had records explained: an entry for each patient or encounter that they name.

        An explanation does not wait for PostgreSQL longer than the time limit: then the entry is in the service's log.
        """
        pairs = [
            (self._pseudonyms.patient(record.get(PATIENT_ID)), self._pseudonyms.encounter(record.get(ENCOUNTER_ID)))
            for record in records
        ]
        named = [{"patient": patient, "encounter": encounter} for patient, encounter in pairs if patient or encounter]
        if not named or not self._is_on:
            return
        try:
            await self._postgres.fetch(_INSERT, (client, request_id, orjson.dumps(named).decode()), LIMIT_SECONDS)
        except DatabaseUnavailableError:
            logger.warning("the access log lacks an entry: %s explained %s in request %s", client, named, request_id)

    def stop(self) -> None:
        """Close the connections."""
        self._postgres.close()
