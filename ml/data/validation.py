"""Validates delivered rows against the schema with pandera.

Valid rows are passed on in the form of PostgreSQL's COPY, invalid rows with a reason.
"""

import csv
import hashlib
import io
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pandas as pd
import pandera.pandas as pa
import pyarrow
import pyarrow.csv
from pandera.errors import SchemaErrors

from ml.core.errors import RejectedDataError
from ml.core.pseudonyms import Pseudonyms
from ml.data.spelling import Spelling
from ml.schema import BY_NAME, COLUMNS, ENCOUNTER_ID, PATIENT_ID, Column, Kind, Missing
from ml.schema.files.rows import NOT_MEASURED_LOST

log = logging.getLogger(__name__)

_MAX_INTEGER: Final = str(2**63 - 1)
_LABORATORY_MISSING: Final = tuple(f"{c.name} is missing" for c in COLUMNS if c.missing is Missing.NOT_MEASURED)

REJECTED_COLUMNS: Final = ("row_number", "reason", "record")


@dataclass(frozen=True, slots=True)
class Validated:
    """Result of a validation."""

    rows_accepted: int
    rows_rejected: int
    content_sha256: str
    """Hash of valid and invalid rows; the order of the rows does not change it."""


def validate(
    chunks: Iterable[pd.DataFrame],
    accept: Callable[[bytes], object],
    reject: Callable[[bytes], object],
    max_rejected_share: float,
    pseudonym_key: str = "",
) -> Validated:
    """Validate the chunks of :func:`ml.data.sources.file.read_chunks` and pass on their rows as csv without header.

    ``accept`` gets the valid rows: the 50 columns, NULL as the empty field. ``reject`` gets the invalid ones:
    :data:`REJECTED_COLUMNS`, with pseudonyms in place of identifiers, or neither if there is no ``pseudonym_key``.

    Raises:
        RejectedDataError: too many rows are invalid, or there are no rows; names the most frequent reason.
    """
    content, valid_rows, reasons, seen = ContentHash(), 0, Counter[str](), pd.Index([], dtype="int64")
    spelling = Spelling()
    pseudonyms = Pseudonyms(pseudonym_key.encode(), "hash" if pseudonym_key else "none")
    for chunk in chunks:
        table, faults = check(chunk, seen, spelling)
        valid = table.drop(index=list(faults))
        text = _csv(valid)
        accept(text)
        content.add(text.splitlines())
        records = [_known(record) for record in chunk.loc[list(faults)].to_dict("records")]
        if faults:
            reject(_rejected_csv(faults, records, pseudonyms))
        delivered = zip(faults.values(), map(json.dumps, records), strict=True)
        content.add(f"{reason}\n{record}".encode() for reason, record in delivered)
        valid_rows += len(valid)
        reasons.update(faults.values())
        seen = seen.append(pd.Index(valid[ENCOUNTER_ID], dtype="int64"))
        log.info("Validated %s rows, %s rejected", f"{valid_rows + reasons.total():,}", reasons.total())
    if spelling.mapped:
        log.info("Read as: %s", spelling.mapped)
    _refuse_if_too_many(reasons, valid_rows, max_rejected_share)
    return Validated(valid_rows, reasons.total(), content.hexdigest())


class ContentHash:
    """A hash of rows that does not depend on their order: the sum of the hashes of the rows."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, rows: Iterable[bytes]) -> None:
        """Add rows."""
        self._sum += sum(int.from_bytes(hashlib.sha256(row).digest()) for row in rows)

    def hexdigest(self) -> str:
        """The hash of the rows so far."""
        return hashlib.sha256(str(self._sum).encode()).hexdigest()


def check(chunk: pd.DataFrame, seen: pd.Index, spelling: Spelling | None = None) -> tuple[pd.DataFrame, dict[int, str]]:
    """Check a chunk of text, NA for unknown; ``seen`` are the encounter ids of earlier chunks.

    Returns:
        The typed table, and the reason for each invalid row by index.
    """
    table = (spelling or Spelling()).canonical(chunk)
    table = table.assign(**{c.name: _parse_integers(table[c.name]) for c in COLUMNS if c.is_number})
    faults: dict[int, str] = {}
    try:
        _pandera_schema().validate(table, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases.dropna(subset=["index"]).drop_duplicates("index")
        faults = {
            int(row): _reason(BY_NAME[name], chunk.loc[int(row), name])
            for row, name in zip(cases["index"], cases["column"], strict=True)
        }
    # Duplicates among valid rows only, so that the result does not depend on the chunk size.
    ids = table[ENCOUNTER_ID].drop(index=list(faults))
    repeated = ids.index[ids.duplicated() | ids.isin(seen)]
    faults |= {int(row): "encounter_id occurs more than once" for row in repeated}
    return table, dict(sorted(faults.items()))


def _known(row: dict[Any, Any]) -> dict[str, str]:
    """The known values of a row; NUL characters are replaced, because PostgreSQL does not accept them."""
    return {name: text.replace("\0", "\N{REPLACEMENT CHARACTER}") for name, text in row.items() if not pd.isna(text)}


def _without_identifiers(record: dict[str, str], pseudonyms: Pseudonyms) -> dict[str, str]:
    found = {
        PATIENT_ID: pseudonyms.patient(record.get(PATIENT_ID)),
        ENCOUNTER_ID: pseudonyms.encounter(record.get(ENCOUNTER_ID)),
    }
    others = {name: text for name, text in record.items() if name not in found}
    return others | {name: pseudonym for name, pseudonym in found.items() if pseudonym}


def _rejected_csv(faults: dict[int, str], records: list[dict[str, str]], pseudonyms: Pseudonyms) -> bytes:
    stored = [json.dumps(_without_identifiers(record, pseudonyms)) for record in records]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(zip(faults, faults.values(), stored, strict=True))
    return text.getvalue().encode()


def _csv(table: pd.DataFrame) -> bytes:
    """Rows as csv without header, NULL as the empty field; Arrow is five times faster than pandas."""
    sink = pyarrow.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    pyarrow.csv.write_csv(pyarrow.Table.from_pandas(table, preserve_index=False), sink, options)
    return bytes(memoryview(sink.getvalue()))


def _parse_integers(texts: "pd.Series[str]") -> "pd.Series[Any]":
    """Integers as Int64, anything else as NA, which is invalid; as floats, large ids would be rounded."""
    in_range = (texts.str.len() < len(_MAX_INTEGER)) | (texts <= _MAX_INTEGER)
    return texts.where(texts.str.fullmatch(r"[0-9]{1,19}") & in_range).astype("Int64")


@cache
def _pandera_schema() -> pa.DataFrameSchema:
    return pa.DataFrameSchema({column.name: _pandera_column(column) for column in COLUMNS}, ordered=True)


def _pandera_column(column: Column) -> pa.Column:
    match column.kind:
        case Kind.ICD9:
            rule = pa.Check(lambda texts: texts.isin(list(filter(column.accepts, texts.unique()))), name="icd9")
        case Kind.COUNT | Kind.IDENTIFIER:
            rule = pa.Check.in_range(column.low, column.high)
        case _:
            rule = pa.Check.isin(column.allowed)
    return pa.Column(checks=rule, nullable=column.missing is Missing.UNKNOWN)


def _reason(column: Column, value: str | float | None) -> str:
    is_identifier = column.kind is Kind.IDENTIFIER  # reasons are logged and stored, identifiers are not
    given = "malformed" if is_identifier else repr(str(value)[:40])
    shown = "missing" if pd.isna(value) else given
    return f"{column.name} is {shown}, expected {column.expectation}"


def _refuse_if_too_many(reasons: Counter[str], valid_rows: int, max_rejected_share: float) -> None:
    invalid = reasons.total()
    total = valid_rows + invalid
    if not valid_rows:
        raise RejectedDataError(f"None of the {total} delivered rows is valid." if total else "The file has no rows.")
    if invalid > max_rejected_share * total:
        ((most_frequent, times),) = reasons.most_common(1)
        hint = f" {NOT_MEASURED_LOST}." if most_frequent.startswith(_LABORATORY_MISSING) else ""
        raise RejectedDataError(
            f"{invalid} of {total} rows ({invalid / total:.1%}) break the schema, more than "
            f"MAX_REJECTED_SHARE={max_rejected_share:g} allows; nothing was changed. "
            f"Most often ({times} times): {most_frequent}.{hint}"
        )
