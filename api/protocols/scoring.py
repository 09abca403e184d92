"""Scores the requests of a protocol: validates their records and scores them as /predict does."""

import asyncio
from collections.abc import Callable
from typing import Any

from api.contract.parsing import validate_records
from api.protocols.tables import ScoringRequest
from api.scoring.core import INLINE_BYTES, INLINE_RECORDS, ScoredRecords, score
from api.services import Services
from ml.core.bundle import Bundle

Parse = Callable[[bytes, int], ScoringRequest]
"""Parses a body with a maximum number of records."""


async def score_request(
    body: bytes, parse: Parse, services: Services, bundle: Bundle, *, inline: bool = True
) -> tuple[ScoringRequest, ScoredRecords]:
    """Score a body: a small one in the event loop, unless `inline` is false; else in a thread.

    Raises:
        MalformedBodyError, InvalidRecordsError: the body is invalid.
        OverloadedError: the body is not small, and no slot for a large batch is free.
    """
    if inline and len(body) <= INLINE_BYTES:
        request = parse(body, services.settings.max_records)
        if len(request.records) <= INLINE_RECORDS:
            records = validate_records(request.records, request.code_system)
            return request, await services.micro_batcher.score(records, bundle, False)

    def score_in_thread() -> tuple[ScoringRequest, ScoredRecords]:
        request = parse(body, services.settings.max_records)
        records = validate_records(request.records, request.code_system)
        return request, score(records, bundle, services.patient_history, False)

    with services.admission.large_batch():
        return await asyncio.get_running_loop().run_in_executor(services.batch_pool, score_in_thread)


def notes_of(scored: ScoredRecords) -> dict[str, list[Any]]:
    """``outside_population`` and ``warnings`` as in POST /predict; each only if it says something of a record."""
    notes: dict[str, list[Any]] = {}
    if any(scored.outside_population):
        notes["outside_population"] = list(scored.outside_population)
    if scored.warnings:
        notes["warnings"] = [warning._asdict() for warning in scored.warnings]
    return notes
