"""Scores the blocks of a CSV file; the response is the file with additional columns.

A validated file holds only values of the schema, and the additional columns hold numbers and a few fixed words, so that
no cell can be mistaken for a formula by a spreadsheet program.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from api.contract.csv_reader import CsvFile
from api.contract.csv_rows import HISTORY_COLUMN, INTERVAL_COLUMNS, NOTE_COLUMNS, PREDICTION_COLUMNS, Header
from api.scoring.core import ScoredRecords, score
from api.storage.patient_history import PatientHistory
from ml.core.bundle import Bundle
from ml.schema import PATIENT_ID

_LINE_END: Final = "\r\n"  # RFC 4180


def response_header(header: Header, interval: bool) -> bytes:
    """The first line of the response."""
    names = [*header.names, *PREDICTION_COLUMNS, *(INTERVAL_COLUMNS if interval else ())]
    if PATIENT_ID in header.names:
        names.append(HISTORY_COLUMN)
    return (",".join([*names, *NOTE_COLUMNS]) + _LINE_END).encode()


def score_block(
    file: CsvFile, block: bytes, bundle: Bundle, patient_history: PatientHistory, interval: bool
) -> tuple[ScoredRecords, bytes]:
    """Score a block, in a thread that may wait; returns the predictions and the lines of the response."""
    lines = file.lines_of(block)
    records = [file.header.record_of(line) for line in lines]
    scored = score(records, bundle, patient_history, interval)
    columns: list[Sequence[str]] = [
        _texts(scored.probabilities), _texts(scored.known_fields), _texts(scored.reliability)
    ]  # fmt: skip
    if scored.intervals is not None:
        columns += [_texts(scored.intervals[:, end].copy()) for end in (0, 1)]
    if PATIENT_ID in file.header.names:
        columns.append(scored.history)
    columns += [[f'"{reason}"' if reason else "" for reason in scored.outside_population], _warnings(scored)]
    return scored, "".join(",".join(cells) + _LINE_END for cells in zip(lines, *columns, strict=True)).encode()


def _warnings(scored: ScoredRecords) -> list[str]:
    """A cell with the warnings of each record."""
    messages: list[list[str]] = [[] for _ in scored.records]
    for warning in scored.warnings:
        messages[warning.record].append(warning.message)
    return [f'"{"; ".join(of_record)}"' if of_record else "" for of_record in messages]


def _texts(numbers: Any) -> list[str]:
    """Numbers in the format of /predict."""
    return orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY).decode()[1:-1].split(",")
