"""Scores the requests of a protocol: validates their records and scores them as /predict does."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from api.contract.conversions import converted_codes
from api.contract.parsing import validate_batch, validate_records
from api.contract.record_columns import RecordColumns
from api.protocols.tables import ScoringRequest
from api.scoring.core import INLINE_BYTES, INLINE_RECORDS, ScoredRecords, score
from api.services import Services
from ml.core.bundle import Bundle
from ml.schema import Record

Parse = Callable[[bytes, int], ScoringRequest]
"""Parses a body with a maximum number of records."""


async def score_request(
    body: bytes, parse: Parse, services: Services, bundle: Bundle, *, inline: bool = True
) -> tuple[ScoringRequest, ScoredRecords]:
    """Score a body: a small one in the event loop, unless `inline` is false; else in a thread.

    Raises:
        MalformedBodyError, InvalidRecordsError: the body is invalid.
        OverloadedError: the body is not small, and no slot for a large batch was free in time.
    """
    if inline and len(body) <= INLINE_BYTES:
        request = parse(body, services.settings.max_records)
        if len(request.records) <= INLINE_RECORDS:
            records = _valid_records(request)
            return request, await services.micro_batcher.score(records, bundle, False)

    def score_in_thread() -> tuple[ScoringRequest, ScoredRecords]:
        request = parse(body, services.settings.max_records)
        is_valid = request.is_valid
        columns = RecordColumns(request.records) if is_valid else validate_batch(request.records, request.code_system)
        return request, score(columns, bundle, services.patient_history, False)

    async with services.admission.large_batch():
        return await asyncio.get_running_loop().run_in_executor(services.batch_pool, score_in_thread)


def _valid_records(request: ScoringRequest) -> Sequence[Record]:
    return request.records if request.is_valid else validate_records(request.records, request.code_system)


def notes_of(scored: ScoredRecords) -> dict[str, list[Any]]:
    """``outside_population``, ``warnings`` and ``codes`` of POST /predict; each only if it says something."""
    notes: dict[str, list[Any]] = {}
    if any(scored.outside_population):
        notes["outside_population"] = list(scored.outside_population)
    if scored.warnings:
        notes["warnings"] = [warning._asdict() for warning in scored.warnings]
    if codes := converted_codes(scored.records):
        notes["codes"] = codes
    return notes
