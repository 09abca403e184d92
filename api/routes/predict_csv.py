"""POST /predict/csv."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.datastructures import UploadFile
from starlette.types import Message, Receive, Scope, Send

from api.contract.bodies import CSV, INTERVAL, INTERVAL_PARAMETER, LOAD_TEST_HEADER, REQUEST_ID_HEADER, media_type_of
from api.contract.csv_reader import CsvFile, CsvIntake
from api.contract.parsing import read_flag, refusal
from api.contract.validation_errors import body_fault
from api.models.store import ServedModel
from api.scoring.csv_files import answer_block, header_of_answer
from api.services import Services, services_of
from api.telemetry.recorder import record_part
from api.transport.openapi import problems

logger = logging.getLogger(__name__)
router = APIRouter()

_FORM: Final = "multipart/form-data"
_PART: Final = "file"
_PIECE_BYTES: Final = 256 * 1024
_READING_SECONDS: Final = 60
"""A client that takes nothing of its download for so long is left."""

_FILE: Final = {"type": "string", "format": "binary"}
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": "A header that names any of the fields (as in the data set, `readmitted` may be among them), then "
    "a line per encounter. Empty or `?` is unknown. UTF-8, parted by commas.",
    "content": {
        CSV: {"schema": _FILE},
        _FORM: {"schema": {"type": "object", "properties": {_PART: _FILE}, "required": [_PART]}},
    },
}
_EXAMPLE: Final = "age,number_inpatient,readmission_risk,known_fields,reliability\r\n[60-70),2,0.1737,2,0.585\r\n"
_ANSWER: Final[dict[str, Any]] = {
    "description": "The columns of the file, and beside them `readmission_risk`, `known_fields`, `reliability`; "
    "`risk_low` and `risk_high` with `interval=true`; `history` where the file names patients.",
    "content": {CSV: {"schema": {"type": "string"}, "example": _EXAMPLE}},
    "headers": {"X-Model-Version": {"schema": {"type": "string"}, "description": "The version that answered."}},
}


@router.post(
    "/predict/csv",
    summary="The same for a file",
    tags=["Prediction"],
    response_class=Response,
    responses={200: _ANSWER, **problems(400, 408, 413, 415, 422, 503)},
    openapi_extra={
        "parameters": [INTERVAL_PARAMETER, REQUEST_ID_HEADER, LOAD_TEST_HEADER],
        "requestBody": _BODY,
    },
)
async def predict_csv(request: Request) -> Response:
    """Score every line of a CSV file; the answer is the file with the risks beside it.

    The file is checked to its end before the answer begins: a fault is a 422 that names line, field and value.
    """
    services = services_of(request)
    model = services.store.require()  # one reference for the whole file, whatever is swapped meanwhile
    interval = read_flag(request.scope["query_string"], INTERVAL)
    with ExitStack() as place:
        file = await _take_in(request, services, place)
        services.metrics.observe_batch(file.rows)
        headers = {
            "Content-Disposition": 'attachment; filename="predictions.csv"',
            "X-Model-Version": model.registered.version,
        }
        return _Download(_answer(request, services, model, file, interval), place.pop_all(), headers)


class _StoppedReadingError(Exception):
    """The client takes no more of its answer."""


class _Download(StreamingResponse):
    """Holds the place among the large batches, if it has one, until all is sent or the client stops reading."""

    def __init__(self, lines: AsyncIterator[bytes], place: ExitStack, headers: dict[str, str]) -> None:
        super().__init__(lines, headers=headers, media_type=CSV)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(_READING_SECONDS):
                    await send(message)
            except TimeoutError:
                raise _StoppedReadingError from None

        with self._place:
            try:
                await super().__call__(scope, receive, send_in_time)
            except _StoppedReadingError:
                # Ended without its last piece, the answer cannot be taken for a whole one.
                logger.warning("a download was ended: its client took nothing for %d seconds", _READING_SECONDS)


async def _take_in(request: Request, services: Services, place: ExitStack) -> CsvFile:
    """Check the file in a thread while it arrives; one that takes more than a moment needs a place."""
    loop, intake = asyncio.get_running_loop(), CsvIntake(services.settings.max_csv_rows)
    waiting = bytearray()
    has_place = False
    async for piece in _pieces_of(request):
        waiting += piece
        if len(waiting) >= _PIECE_BYTES:
            if not has_place:
                place.enter_context(services.load.large_batch())
                has_place = True
            await loop.run_in_executor(services.batch_pool, intake.take, bytes(waiting))
            waiting.clear()
    await loop.run_in_executor(services.batch_pool, intake.take, bytes(waiting))
    return await loop.run_in_executor(services.batch_pool, intake.finish)


async def _pieces_of(request: Request) -> AsyncIterator[bytes]:
    if media_type_of(request.scope, CSV, _FORM) == CSV:
        async for piece in request.stream():
            yield piece
        return
    async with request.form(max_files=1, max_fields=0) as form:
        upload = form.get(_PART)
        if not isinstance(upload, UploadFile):
            raise refusal([body_fault(_PART, None, f"the form must hold the file as the part '{_PART}'")], 1)
        while piece := await upload.read(_PIECE_BYTES):
            yield piece


async def _answer(
    request: Request, services: Services, model: ServedModel, file: CsvFile, interval: bool
) -> AsyncIterator[bytes]:
    """Score block by block, as fast as the client takes them; what was answered is what is recorded."""
    yield header_of_answer(file.header, interval)
    first = 0
    for block in file.blocks:
        asked = (file, block, model.bundle, services.history, interval)
        scored, lines = await asyncio.get_running_loop().run_in_executor(services.batch_pool, answer_block, *asked)
        record_part(request, services, model, scored, first)
        first += len(scored.records)
        yield lines
