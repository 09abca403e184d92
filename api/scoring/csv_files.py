"""Scores the blocks of a CSV file; the response is the file with additional columns, in its dialect, as UTF-8.

Cells of the data set hold values of the schema, and the additional columns numbers and a few fixed words. Cells of
foreign columns are escaped, so that no cell can be mistaken for a formula by a spreadsheet program.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from api.contract.csv_reader import (
    FLAGGED_COLUMN,
    HISTORY_COLUMN,
    INTERVAL_COLUMNS,
    NOTE_COLUMNS,
    PREDICTION_COLUMNS,
    CsvFile,
)
from api.scoring.core import ScoredRecords, flags, score
from api.storage.patient_history import PatientHistory
from ml.core.bundle import Bundle
from ml.core.policies.policy import Policy
from ml.schema import PATIENT_ID
from ml.schema.code_systems import CodeSystem
from ml.schema.files.formulas import harmless
from ml.schema.files.reader import CODE_COLUMNS
from ml.schema.files.rows import describe_mapped

_FLAGS: Final = {True: "true", False: "false", None: ""}
_LINE_END: Final = "\r\n"  # RFC 4180
_MAX_HEADER: Final = 1_000  # characters of a response header


def response_header(file: CsvFile, interval: bool, policy: Policy | None = None) -> bytes:
    """The first line of the response."""
    header = file.reader.header
    names = [*map(harmless, header.names), *PREDICTION_COLUMNS, *(INTERVAL_COLUMNS if interval else ())]
    if policy is not None:
        names.append(FLAGGED_COLUMN)
    if PATIENT_ID in header.known:
        names.append(HISTORY_COLUMN)
    names += [CODE_COLUMNS[field] for field in _converted(file)]
    return (file.prefix + file.reader.line_of([*names, *NOTE_COLUMNS]) + _LINE_END).encode()


def notes(file: CsvFile, policy: Policy | None = None) -> dict[str, str]:
    """Headers of the response that say how the file was read, and which policy flagged."""
    found = {
        "X-Policy": policy.name if policy else "",
        "X-Mapped": describe_mapped(file.reader.mapped),
        "X-Not-Scored": ", ".join(file.reader.header.foreign),
        "X-Warning": file.reader.warning or "",
    }
    return {name: _one_line(text) for name, text in found.items() if text}


def score_block(
    file: CsvFile,
    block: bytes,
    bundle: Bundle,
    patient_history: PatientHistory,
    interval: bool,
    policy: Policy | None = None,
) -> tuple[ScoredRecords, bytes]:
    """Score a block, in a thread that may wait; returns the predictions and the lines of the response."""
    lines = file.lines_of(block)
    scored = score(file.columns_of(lines), bundle, patient_history, interval)
    columns: list[Sequence[str]] = [
        _texts(scored.probabilities), _texts(scored.known_fields), _texts(scored.reliability)
    ]  # fmt: skip
    if scored.intervals is not None:
        columns += [_texts(scored.intervals[:, end].copy()) for end in (0, 1)]
    if policy is not None:
        columns.append([_FLAGS[flag] for flag in flags(scored, policy)])
    if PATIENT_ID in file.reader.header.known:
        columns.append(scored.history)
    columns += [[str(record.get(field) or "") for record in scored.records] for field in _converted(file)]
    columns += [[f'"{reason}"' if reason else "" for reason in scored.outside_population], _warnings(scored)]
    join = file.reader.header.delimiter.join
    returned = map(file.reader.returned, lines)
    return scored, "".join(join(cells) + _LINE_END for cells in zip(returned, *columns, strict=True)).encode()


def _converted(file: CsvFile) -> list[str]:
    """Fields of the file whose codes are converted."""
    reader = file.reader
    return [name for name in reader.header.known if name in CODE_COLUMNS and reader.code_system is CodeSystem.ICD10]


def _one_line(text: str) -> str:
    """A text as the value of a header: one line of ASCII."""
    shown = " ".join(text.encode("ascii", "replace").decode().split())
    return shown if len(shown) <= _MAX_HEADER else f"{shown[: _MAX_HEADER - 4]} ..."


def _warnings(scored: ScoredRecords) -> list[str]:
    """A cell with the warnings of each record."""
    messages: list[list[str]] = [[] for _ in scored.records]
    for warning in scored.warnings:
        messages[warning.record].append(warning.message)
    return [f'"{"; ".join(of_record)}"' if of_record else "" for of_record in messages]


def _texts(numbers: Any) -> list[str]:
    """Numbers in the format of /predict."""
    return orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY).decode()[1:-1].split(",")
