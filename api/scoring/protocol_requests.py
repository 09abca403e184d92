"""Scoring for the protocols of others: what was read from their documents is checked and scored as in /predict."""

import asyncio
from collections.abc import Callable

from api.contract.parsing import check_rows
from api.models.store import ServedModel
from api.protocols.tables import Asked
from api.scoring.core import INLINE_BYTES, INLINE_RECORDS, Scored, score
from api.services import Services
from api.storage.patient_history import patients_of

Read = Callable[[bytes, int], Asked]
"""Reads a body of so many records at most."""


async def score_body(
    body: bytes, read: Read, services: Services, model: ServedModel, *, inline: bool = True
) -> tuple[Asked, Scored]:
    """Score a body: in the event loop if it is small and holds a few records, else in a thread.

    Raises:
        MalformedBodyError, InvalidRecordsError: of reading it, or of checking its records.
        OverloadedError: it is not small, and there is no room for another large one.
    """
    if inline and len(body) <= INLINE_BYTES:
        asked = read(body, services.settings.max_records)
        if len(asked.records) <= INLINE_RECORDS:
            records = check_rows(asked.records)
            patients = patients_of(records)
            found = await services.history.find(patients) if patients else None
            return asked, score(records, found, model.bundle, False)
    with services.load.large_batch():
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(services.batch_pool, _score_large, body, read, services, model)


def _score_large(body: bytes, read: Read, services: Services, model: ServedModel) -> tuple[Asked, Scored]:
    asked = read(body, services.settings.max_records)
    records = check_rows(asked.records)
    patients = patients_of(records)
    found = services.history.find_blocking(patients) if patients else None
    return asked, score(records, found, model.bundle, False)
