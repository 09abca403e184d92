"""Validates delivered rows against the schema with pandera.

Valid rows are written in the form of PostgreSQL's COPY, invalid rows with a reason.
"""

import csv
import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import pandas as pd
import pandera.pandas as pa
import pyarrow  # type: ignore[import-untyped]
import pyarrow.csv  # type: ignore[import-untyped]
from pandera.errors import SchemaErrors

from ml.core.errors import RejectedDataError
from ml.schema import BY_NAME, COLUMNS, ENCOUNTER_ID, ICD9_PATTERN, Column, Kind, Missing

log = logging.getLogger(__name__)

REJECTED_COLUMNS: Final = ("row_number", "reason", "record")


@dataclass(frozen=True, slots=True)
class Validated:
    """Result of a validation: a directory with two csv files without header, and their counts."""

    directory: Path
    rows_accepted: int
    rows_rejected: int
    content_sha256: str

    @property
    def accepted(self) -> Path:
        """Valid rows: the 50 columns, NULL as the empty field."""
        return self.directory / "accepted.csv"

    @property
    def rejected(self) -> Path:
        """Invalid rows: :data:`REJECTED_COLUMNS`."""
        return self.directory / "rejected.csv"

    def to_json(self) -> dict[str, Any]:
        """Serialise for XCom."""
        return {**asdict(self), "directory": str(self.directory)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`."""
        return cls(**{**fields, "directory": Path(fields["directory"])})


def validate(chunks: Iterable[pd.DataFrame], directory: Path, max_rejected_share: float) -> Validated:
    """Validate the chunks of :func:`ml.data.sources.file.read_chunks` and write them to two files.

    Raises:
        RejectedDataError: too many rows are invalid, or there are no rows; names the most frequent reason.
    """
    directory.mkdir(parents=True, exist_ok=True)
    digest, valid_rows, reasons, seen = hashlib.sha256(), 0, list[str](), pd.Index([], dtype="int64")
    result = Validated(directory, 0, 0, "")
    with result.accepted.open("wb") as accepted, result.rejected.open("w", newline="") as file:
        rejected = csv.writer(file)
        for chunk in chunks:
            table, faults = check(chunk, seen)
            valid = table.drop(index=list(faults))
            text = _csv(valid)
            digest.update(text)
            accepted.write(text)
            rejected.writerows((row, reason, _as_json(chunk.loc[row])) for row, reason in faults.items())
            valid_rows += len(valid)
            reasons += faults.values()
            seen = seen.append(pd.Index(valid[ENCOUNTER_ID], dtype="int64"))
            log.info("Validated %s rows, %s rejected", f"{valid_rows + len(reasons):,}", len(reasons))
    _refuse_if_too_many(reasons, valid_rows, max_rejected_share)
    return replace(result, rows_accepted=valid_rows, rows_rejected=len(reasons), content_sha256=digest.hexdigest())


def check(chunk: pd.DataFrame, seen: pd.Index) -> tuple[pd.DataFrame, dict[int, str]]:
    """Check a chunk of text, NA for unknown; ``seen`` are the encounter ids of earlier chunks.

    Returns:
        The typed table, and the reason for each invalid row by index.
    """
    table = chunk.assign(**{c.name: _parse_integers(chunk[c.name]) for c in COLUMNS if c.is_number})
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
    faults |= {int(row): f"encounter_id {ids[row]} occurs more than once" for row in repeated}
    return table, dict(sorted(faults.items()))


def _as_json(row: Any) -> str:
    """A row as JSON; NUL characters are replaced, because PostgreSQL does not accept them."""
    return json.dumps({name: text.replace("\0", "\N{REPLACEMENT CHARACTER}") for name, text in row.dropna().items()})


def _csv(table: pd.DataFrame) -> memoryview:
    """Rows as csv without header, NULL as the empty field; Arrow is five times faster than pandas."""
    sink = pyarrow.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    pyarrow.csv.write_csv(pyarrow.Table.from_pandas(table, preserve_index=False), sink, options)
    return memoryview(sink.getvalue())


def _parse_integers(texts: "pd.Series[str]") -> "pd.Series[Any]":
    """Integers as Int64, anything else as NA, which is invalid in numeric columns."""
    return pd.to_numeric(texts.where(texts.str.fullmatch(r"-?\d{1,18}")), errors="coerce").astype("Int64")


@cache
def _pandera_schema() -> pa.DataFrameSchema:
    return pa.DataFrameSchema({column.name: _pandera_column(column) for column in COLUMNS}, ordered=True)


def _pandera_column(column: Column) -> pa.Column:
    match column.kind:
        case Kind.ICD9:
            # Not str_matches, whose '$' accepts a trailing newline.
            rule = pa.Check(lambda texts: texts.str.fullmatch(ICD9_PATTERN), name="icd9")
        case Kind.COUNT | Kind.IDENTIFIER:
            rule = pa.Check.in_range(column.low, column.high)
        case _:
            rule = pa.Check.isin(column.allowed)
    return pa.Column(checks=rule, nullable=column.missing is Missing.UNKNOWN)


def _reason(column: Column, value: object) -> str:
    shown = "missing" if pd.isna(value) else repr(str(value)[:40])  # type: ignore[call-overload]
    return f"{column.name} is {shown}, expected {column.expectation}"


def _refuse_if_too_many(reasons: list[str], valid_rows: int, max_rejected_share: float) -> None:
    total = valid_rows + len(reasons)
    if not valid_rows:
        raise RejectedDataError(f"None of the {total} delivered rows is valid." if total else "The file has no rows.")
    if len(reasons) > max_rejected_share * total:
        most_frequent = max(set(reasons), key=reasons.count)
        raise RejectedDataError(
            f"{len(reasons)} of {total} rows ({len(reasons) / total:.1%}) break the schema, more than "
            f"MAX_REJECTED_SHARE={max_rejected_share:g} allows; nothing was changed. Most often: {most_frequent}."
        )
