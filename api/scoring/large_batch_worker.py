"""The process beside the service that reads and answers large batches: ``python -m api.scoring.large_batch_worker
SOCKET``.

It takes a body, says what the graph shall be run on, is told the probabilities, and says the answer. It ends when the
service does.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

import numpy as np
import orjson

from api.contract.parsing import read_large
from api.errors import ApiError
from api.models.heap import trim_heap
from api.scoring.core import CHUNK, Scored, as_json, judge, scored_as, with_history
from api.scoring.large_batch_messages import LOGGED_TOGETHER, NICENESS, Done, Task
from api.settings import ApiSettings
from api.storage.patient_history import History, patients_of
from api.storage.prediction_table import Entry, rows_of
from ml.core.bundle import encode
from ml.core.pseudonyms import Pseudonyms

_Line: TypeAlias = "Connection[Any, Any]"


def serve(line: _Line) -> None:
    """Work until the other end is closed."""
    settings: ApiSettings = line.recv()
    history, pseudonyms = History.of(settings), Pseudonyms.from_settings(settings)
    while True:
        task: Task = line.recv()
        try:
            _score(line, task, history, pseudonyms)
        except ApiError as error:
            line.send(error)
        trim_heap()


def _score(line: _Line, task: Task, history: History, pseudonyms: Pseudonyms) -> None:
    records = read_large(b"".join(_pieces(line)), task.max_records)
    patients = patients_of(records)
    inputs, states = with_history(records, history.find_blocking(patients) if patients else None)
    for start in range(0, len(inputs), CHUNK):
        line.send(encode(inputs[start : start + CHUNK]))
    line.send(None)
    answers = judge(inputs, np.empty(0, np.float32), task.completeness)  # meanwhile the graph is run
    answers = answers._replace(probabilities=line.recv())
    scored = scored_as(records, inputs, states, answers, task.completeness, task.interval)
    entries = [] if task.entry is None else list(_entries(task.entry, scored))
    body = as_json(scored, orjson.Fragment(task.model), task.request_id)
    line.send(Done(body, states, answers.known_fields, len(entries)))
    for entry in entries:
        line.send_bytes(rows_of(entry, pseudonyms))


def _pieces(line: _Line) -> Iterator[bytes]:
    while piece := line.recv_bytes():
        yield piece


def _entries(entry: Entry, scored: Scored) -> Iterator[Entry]:
    for first in range(0, len(scored.records), LOGGED_TOGETHER):
        some = slice(first, first + LOGGED_TOGETHER)
        known, chances = scored.known_fields[some], scored.probabilities[some]
        yield replace(entry, records=scored.records[some], known_fields=known, probabilities=chances, first=first)


def main() -> None:
    """Serve the socket whose number is given."""
    # The service is told when to end, and ends its line; what a terminal or a supervisor says to all is not meant here.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    with suppress(EOFError, OSError), Connection(int(sys.argv[1])) as line:
        serve(line)


if __name__ == "__main__":
    main()
