"""The answer to a CSV file: its own columns, and those of the model beside them.

What stands in a checked file are values of the schema, and what is added are numbers and two or three fixed words:
nothing in the answer can be taken for a formula by a program that opens it.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from api.contract.csv_reader import CsvFile
from api.contract.csv_rows import ADDED, ADDED_HISTORY, ADDED_INTERVAL, Header
from api.scoring.core import Scored, score
from api.storage.patient_history import History, patients_of
from ml.core.bundle import Bundle
from ml.schema import PATIENT_ID

_END: Final = "\r\n"  # as RFC 4180 has it


def header_of_answer(header: Header, interval: bool) -> bytes:
    """The first line of the answer."""
    names = [*header.names, *ADDED, *(ADDED_INTERVAL if interval else ())]
    if PATIENT_ID in header.names:
        names.append(ADDED_HISTORY)
    return (",".join(names) + _END).encode()


def answer_block(file: CsvFile, block: bytes, bundle: Bundle, history: History, interval: bool) -> tuple[Scored, bytes]:
    """Score the lines of a block, in a thread that may wait; returns the answers and their lines."""
    lines = file.lines_of(block)
    records = [file.header.record_of(line) for line in lines]
    patients = patients_of(records)
    scored = score(records, history.find_blocking(patients) if patients else None, bundle, interval)
    added: list[Sequence[str]] = [
        _texts(scored.probabilities), _texts(scored.known_fields), _texts(scored.reliability)
    ]  # fmt: skip
    if scored.intervals is not None:
        added += [_texts(scored.intervals[:, end].copy()) for end in (0, 1)]
    if PATIENT_ID in file.header.names:
        added.append(scored.history)
    return scored, "".join(",".join(cells) + _END for cells in zip(lines, *added, strict=True)).encode()


def _texts(numbers: Any) -> list[str]:
    """Numbers as the JSON of /predict has them."""
    return orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY).decode()[1:-1].split(",")
