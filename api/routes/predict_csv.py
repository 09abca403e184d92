"""POST /predict/csv."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import islice
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.datastructures import UploadFile
from starlette.types import Receive, Scope, Send

from api.contract.csv_reader import CsvFile, CsvParser
from api.contract.field_errors import body_error, invalid_records
from api.contract.parsing import parse_code_system, parse_flag
from api.models.store import ServedModel
from api.scoring.core import ScoredRecords
from api.scoring.csv_files import notes, response_header, score_block
from api.services import Services, services_of
from api.transport import openapi
from api.transport.http_request import CSV, check_media_type
from api.transport.middleware import SEND_SECONDS, SendTimeoutError
from ml.core.policies.policy import Policy
from ml.schema.code_systems import CodeSystem

logger = logging.getLogger(__name__)
router = APIRouter()

_FORM: Final = "multipart/form-data"
_PART: Final = "file"
_PIECE_BYTES: Final = 256 * 1024
_BLOCKS_AT_ONCE: Final = 2
"""One is read and looked up in PostgreSQL while the graph of the other runs, which needs no interpreter lock."""

_FILE: Final = {"type": "string", "format": "binary"}
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": "A header that names any of the fields (and optionally `readmitted`, as in the data set), then a "
    "line per encounter. Empty or `?` is unknown. Delimiter, encoding and spellings of spreadsheets are detected. "
    "Other columns are returned and not read.",
    "content": {
        CSV: {"schema": _FILE},
        _FORM: {"schema": {"type": "object", "properties": {_PART: _FILE}, "required": [_PART]}},
    },
}
_EXAMPLE: Final = "age,number_inpatient,readmission_risk,known_fields,reliability\r\n[60-70),2,0.1737,2,0.585\r\n"
_RESPONSE: Final[dict[str, Any]] = {
    "description": "The file with the additional columns `readmission_risk`, `known_fields` and `reliability`; "
    "`risk_low` and `risk_high` with `interval=true`; `flagged` while a policy is in force; "
    "`history` if the file has patient numbers; the codes used, "
    "`diag_1_icd9` and so on, with `code_system=icd-10-cm`.",
    "content": {CSV: {"schema": {"type": "string"}, "example": _EXAMPLE}},
    "headers": openapi.response_headers(
        "X-Model-Version", "X-Policy", "Content-Disposition", "X-Mapped", "X-Not-Scored", "X-Warning"
    ),
}


@router.post(
    "/predict/csv",
    summary="Predictions for a CSV file",
    tags=[openapi.PREDICTION],
    response_class=Response,
    responses={200: _RESPONSE, **openapi.problem_responses(400, 408, 413, 415, 422, 503)},
    openapi_extra={
        "parameters": [
            openapi.INTERVAL_PARAMETER,
            openapi.CODE_SYSTEM_PARAMETER,
            openapi.REQUEST_ID_HEADER,
            openapi.LOAD_TEST_HEADER,
        ],
        "requestBody": _BODY,
    },
)
async def predict_csv(request: Request) -> Response:
    """Score every line of a CSV file; returns the file with additional columns.

    The file is validated to its end before the response begins; an error is a 422 that names line, field and value.
    """
    services = services_of(request)
    model = services.model_store.require()  # the same model for the whole file, also if it is swapped meanwhile
    interval = parse_flag(request.scope["query_string"], openapi.INTERVAL)
    policy = services.policies.current
    code_system = parse_code_system(request.scope["query_string"]) or CodeSystem.ICD9
    async with AsyncExitStack() as slot:
        file = await _parse(request, CsvParser(services.settings.max_csv_rows, code_system), services, slot)
        services.metrics.observe_batch(file.rows)
        headers = {
            "Content-Disposition": 'attachment; filename="predictions.csv"',
            "X-Model-Version": model.registered.version,
            **notes(file, policy),
        }
        return _Download(_score(request, services, model, file, interval, policy), slot.pop_all(), headers)


class _Download(StreamingResponse):
    """Holds the slot for a large batch, if it has one, until the response is sent or its client stops reading."""

    def __init__(self, lines: AsyncIterator[bytes], slot: AsyncExitStack, headers: dict[str, str]) -> None:
        super().__init__(lines, headers=headers, media_type=CSV)
        self._slot = slot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._slot:
            try:
                await super().__call__(scope, receive, send)
            except SendTimeoutError:
                # Without its last chunk, the client cannot take the response for a complete one.
                logger.warning("a download was ended: its client accepted no data for %d seconds", SEND_SECONDS)


async def _parse(request: Request, parser: CsvParser, services: Services, slot: AsyncExitStack) -> CsvFile:
    """Parse the file in a thread while it arrives; a file larger than one piece needs a slot for a large batch."""
    loop = asyncio.get_running_loop()
    buffer = bytearray()
    has_slot = False
    async for piece in _pieces_of(request):
        buffer += piece
        if len(buffer) >= _PIECE_BYTES:
            if not has_slot:
                await slot.enter_async_context(services.admission.large_batch())
                has_slot = True
            await loop.run_in_executor(services.batch_pool, parser.feed, bytes(buffer))
            buffer.clear()
    await loop.run_in_executor(services.batch_pool, parser.feed, bytes(buffer))
    return await loop.run_in_executor(services.batch_pool, parser.finish)


async def _pieces_of(request: Request) -> AsyncIterator[bytes]:
    if check_media_type(request.scope, CSV, _FORM) == CSV:
        async for piece in request.stream():
            yield piece
        return
    async with request.form(max_files=1, max_fields=0) as form:
        upload = form.get(_PART)
        if not isinstance(upload, UploadFile):
            raise invalid_records([body_error(_PART, None, f"the form must have the file as the part '{_PART}'")])
        while piece := await upload.read(_PIECE_BYTES):
            yield piece


async def _score(
    request: Request, services: Services, model: ServedModel, file: CsvFile, interval: bool, policy: Policy | None
) -> AsyncIterator[bytes]:
    """Score block by block, as fast as the client accepts them; only sent predictions are recorded."""
    yield response_header(file, interval, policy)
    pool, loop, blocks = services.batch_pool, asyncio.get_running_loop(), iter(file.blocks)

    def begun(count: int) -> list[asyncio.Future[tuple[ScoredRecords, bytes]]]:
        arguments = (model.bundle, services.patient_history, interval, policy)
        return [loop.run_in_executor(pool, score_block, file, block, *arguments) for block in islice(blocks, count)]

    first, scoring = 0, begun(_BLOCKS_AT_ONCE)
    try:
        while scoring:
            scored, lines = await scoring.pop(0)
            scoring += begun(1)
            services.prediction_recorder.record_block(request.scope, model, scored, first)
            first += len(scored.records)
            yield lines
    finally:
        for block in scoring:
            block.cancel()
