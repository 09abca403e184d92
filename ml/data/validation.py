"""Which delivered rows are sound: validation of every value against the schema, with pandera.

Rows that break it are set aside with a reason; sound rows are written in the form PostgreSQL's COPY reads.
"""

import csv
import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
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
    """Outcome of a validation: two csv files without header, and their counts.

    ``accepted`` holds the 50 columns, NULL as the empty field; ``rejected`` holds :data:`REJECTED_COLUMNS`.
    """

    accepted: Path
    rejected: Path
    rows_accepted: int
    rows_rejected: int
    content_sha256: str

    def to_json(self) -> dict[str, Any]:
        """As plain values, for XCom."""
        return {**asdict(self), "accepted": str(self.accepted), "rejected": str(self.rejected)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`."""
        paths = {name: Path(fields[name]) for name in ("accepted", "rejected")}
        return cls(**{**fields, **paths})


def validate(chunks: Iterable[pd.DataFrame], directory: Path, max_rejected_share: float) -> Validated:
    """Sort delivered rows into accepted and rejected ones.

    Args:
        chunks: frames of text as ``ml.data.sources.file.read_chunks`` yields them.
        directory: receives the two files; an earlier outcome there is replaced.
        max_rejected_share: 0..1, the largest share of rejected rows that is put up with.

    Raises:
        RejectedDataError: more rows than that are rejected, or there is no row; names the commonest reason.
    """
    directory.mkdir(parents=True, exist_ok=True)
    accepted, rejected = directory / "accepted.csv", directory / "rejected.csv"
    digest, sound_rows, reasons, seen = hashlib.sha256(), 0, list[str](), pd.Index([], dtype="int64")
    with accepted.open("wb") as sound_file, rejected.open("w", newline="") as broken_file:
        writer = csv.writer(broken_file)
        for chunk in chunks:
            table, faults = check(chunk, seen)
            sound = table.drop(index=list(faults))
            text = _csv(sound)
            digest.update(text)
            sound_file.write(text)
            writer.writerows((row, reason, _as_json(chunk.loc[row])) for row, reason in faults.items())
            sound_rows += len(sound)
            reasons += faults.values()
            seen = seen.append(pd.Index(sound[ENCOUNTER_ID], dtype="int64"))
            log.info("Validated %s rows, %s rejected", f"{sound_rows + len(reasons):,}", len(reasons))
    _refuse_if_too_many(reasons, sound_rows, max_rejected_share)
    return Validated(accepted, rejected, sound_rows, len(reasons), digest.hexdigest())


def check(chunk: pd.DataFrame, seen: pd.Index) -> tuple[pd.DataFrame, dict[int, str]]:
    """Check one chunk of text.

    Args:
        chunk: 50 columns of text, NA for unknown.
        seen: encounter ids of earlier chunks.

    Returns:
        The typed table, and for each broken row (by index) the reason, naming column, value and what is allowed.
    """
    table = chunk.assign(**{c.name: _whole_numbers(chunk[c.name]) for c in COLUMNS if c.is_number})
    try:
        _pandera_schema().validate(table, lazy=True)
        faults: dict[int, str] = {}
    except SchemaErrors as errors:
        cases = errors.failure_cases.dropna(subset=["index"]).drop_duplicates("index")
        faults = {
            int(row): _reason(BY_NAME[name], chunk.loc[int(row), name])
            for row, name in zip(cases["index"], cases["column"], strict=True)
        }
    # Among sound rows only, so that the outcome does not depend on where a chunk ends.
    sound = table[ENCOUNTER_ID].drop(index=list(faults))
    repeated = sound.index[sound.duplicated() | sound.isin(seen)]
    faults |= {int(row): f"encounter_id {sound[row]} occurs more than once" for row in repeated}
    return table, dict(sorted(faults.items()))


def _as_json(row: Any) -> str:
    """A row as JSON that PostgreSQL takes: it holds no text with a NUL character."""
    return json.dumps({name: text.replace("\0", "\N{REPLACEMENT CHARACTER}") for name, text in row.dropna().items()})


def _csv(table: pd.DataFrame) -> memoryview:
    """Rows as csv without header, NULL as the empty field; Arrow writes it five times faster than pandas."""
    sink = pyarrow.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    pyarrow.csv.write_csv(pyarrow.Table.from_pandas(table, preserve_index=False), sink, options)
    return memoryview(sink.getvalue())


def _whole_numbers(texts: "pd.Series[str]") -> "pd.Series[Any]":
    """Whole numbers as Int64; anything else as NA, which no numeric column allows."""
    return pd.to_numeric(texts.where(texts.str.fullmatch(r"-?\d{1,18}")), errors="coerce").astype("Int64")


@cache
def _pandera_schema() -> pa.DataFrameSchema:
    return pa.DataFrameSchema({column.name: _pandera_column(column) for column in COLUMNS}, ordered=True)


def _pandera_column(column: Column) -> pa.Column:
    match column.kind:
        case Kind.ICD9:
            # Not str_matches: its '$' lets a line end pass.
            rule = pa.Check(lambda texts: texts.str.fullmatch(ICD9_PATTERN), name="icd9")
        case Kind.COUNT | Kind.IDENTIFIER:
            rule = pa.Check.in_range(column.low, column.high)
        case _:
            rule = pa.Check.isin(column.allowed)
    return pa.Column(checks=rule, nullable=column.missing is Missing.UNKNOWN)


def _reason(column: Column, value: object) -> str:
    shown = "missing" if pd.isna(value) else repr(str(value)[:40])  # type: ignore[call-overload]
    return f"{column.name} is {shown}, expected {column.expectation}"


def _refuse_if_too_many(reasons: list[str], sound_rows: int, max_rejected_share: float) -> None:
    total = sound_rows + len(reasons)
    if not sound_rows:
        raise RejectedDataError(f"None of the {total} delivered rows is sound." if total else "The file has no rows.")
    if len(reasons) > max_rejected_share * total:
        commonest = max(set(reasons), key=reasons.count)
        raise RejectedDataError(
            f"{len(reasons)} of {total} rows ({len(reasons) / total:.1%}) break the schema, more than "
            f"MAX_REJECTED_SHARE={max_rejected_share:g} allows; nothing was changed. Most often: {commonest}."
        )
