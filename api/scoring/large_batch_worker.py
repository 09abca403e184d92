"""The worker process for large batches: ``python -m api.scoring.large_batch_worker SOCKET``.

It receives a body, sends the encoded model inputs, receives the probabilities, and sends the response and the rows for
the prediction log. It ends with the service.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

import orjson

from api.contract.parsing import parse_batch
from api.errors import ApiError
from api.models.heap import trim_heap
from api.scoring.batch_inputs import look_up_batch
from api.scoring.core import ScoredRecords, combine_batch, flags, to_json
from api.scoring.large_batches import LOG_RECORDS, NICENESS, BatchRequest, BatchResult
from api.settings import ApiSettings
from api.storage.patient_history import PatientHistory
from api.storage.prediction_table import LogEntry, format_rows
from ml.core.bundle import CHUNK
from ml.core.pseudonyms import Pseudonyms

_Pipe: TypeAlias = "Connection[Any, Any]"


def serve(pipe: _Pipe) -> None:
    """Process batches until the service closes the pipe."""
    settings: ApiSettings = pipe.recv()
    patient_history, pseudonyms = PatientHistory.from_settings(settings), Pseudonyms.from_settings(settings)
    while True:
        request: BatchRequest = pipe.recv()
        try:
            _score(pipe, request, patient_history, pseudonyms)
        except ApiError as error:
            pipe.send(error)
        trim_heap()


def _score(pipe: _Pipe, request: BatchRequest, patient_history: PatientHistory, pseudonyms: Pseudonyms) -> None:
    columns = parse_batch(b"".join(_pieces(pipe)), request.max_records)
    inputs = look_up_batch(columns, patient_history)
    for start in range(0, len(columns), CHUNK):
        pipe.send(inputs.encode(start, start + CHUNK))
    pipe.send(None)
    scored = combine_batch(columns.records, inputs, pipe.recv(), request.reliability_curve, request.interval)
    entries = [] if request.entry is None else list(_entries(request.entry, scored))
    body = to_json(scored, orjson.Fragment(request.model), request.request_id, request.policy)
    flagged = flags(scored, request.policy)
    pipe.send(BatchResult(body, scored.probabilities, scored.history, scored.known_fields, flagged, len(entries)))
    for entry in entries:
        pipe.send_bytes(format_rows(entry, pseudonyms))


def _pieces(pipe: _Pipe) -> Iterator[bytes]:
    while piece := pipe.recv_bytes():
        yield piece


def _entries(entry: LogEntry, scored: ScoredRecords) -> Iterator[LogEntry]:
    for first in range(0, len(scored.records), LOG_RECORDS):
        part = slice(first, first + LOG_RECORDS)
        known, probabilities = scored.known_fields[part], scored.probabilities[part]
        yield replace(entry, records=scored.records[part], known_fields=known, probabilities=probabilities, first=first)


def main() -> None:
    """Serve the socket whose file descriptor is given."""
    # The service decides when the worker ends; signals of a terminal or a supervisor are meant for the service.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    with suppress(EOFError, OSError), Connection(int(sys.argv[1])) as pipe:
        serve(pipe)


if __name__ == "__main__":
    main()
