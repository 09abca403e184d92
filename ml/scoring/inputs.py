"""Inputs of the graph for a block of records, and what the result says of each; the same as the API makes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray

from ml.core.bundle import NUMBERS, TEXTS, encode_columns
from ml.core.history import SOURCE_COLUMNS, Encounters, HistoryState, history_inputs
from ml.schema import ENCOUNTER_ID, FEATURE_NAMES, HISTORY_NAMES, PATIENT_ID, UNKNOWN
from ml.schema.code_systems import DIAGNOSES, CodeSystem
from ml.schema.files.errors import RowError
from ml.schema.files.rows import RowReader
from ml.schema.icd10 import to_icd9
from ml.schema.population import DISPOSITION, OUTSIDE

SCHEMA: Final = pa.schema(
    [
        ("row_number", pa.int64()),
        ("encounter_id", pa.string()),
        ("patient_nbr", pa.string()),
        ("readmission_risk", pa.float32()),
        ("known_fields", pa.int16()),
        ("history", pa.string()),
        ("outside_population", pa.string()),
        ("error", pa.string()),
    ]
)
"""Columns of a result. A record that is not valid has an error and no risk."""

_LOOKUP: Final = tuple(dict.fromkeys((ENCOUNTER_ID, DISPOSITION, *SOURCE_COLUMNS)))
_QUERY: Final = sa.text(
    f"SELECT {PATIENT_ID}, {', '.join(_LOOKUP)} FROM raw_data "  # noqa: S608  names of the schema
    f"WHERE {PATIENT_ID} = ANY(:patients) ORDER BY {ENCOUNTER_ID}"
)
_FEATURE_TEXTS: Final = [place for place, name in enumerate(TEXTS) if name in FEATURE_NAMES]
_FEATURE_NUMBERS: Final = [place for place, name in enumerate(NUMBERS) if name in FEATURE_NAMES]
_MAX_ERROR: Final = 300  # characters


@dataclass(frozen=True, slots=True)
class Block:
    """Records by column, the first of which has the number ``first``, and the errors of invalid ones by position."""

    first: int
    size: int
    values: Mapping[str, Sequence[Any]]
    history: Sequence[HistoryState]
    errors: Mapping[int, RowError]
    inputs: Mapping[str, NDArray[Any]]

    def result(self, risks: NDArray[np.float32]) -> pa.RecordBatch:
        """The rows of the result."""
        is_wrong = np.isin(np.arange(self.size), list(self.errors))
        known = self._texts_known() + np.isfinite(self.inputs["numbers"][:, _FEATURE_NUMBERS]).sum(axis=1)
        outside = [OUTSIDE.get(code) for code in self.values.get(DISPOSITION, ())] or [None] * self.size
        columns = [
            pa.array(np.arange(self.first, self.first + self.size)),
            *(pa.array(self._identifiers(name), pa.string()) for name in (ENCOUNTER_ID, PATIENT_ID)),
            pa.array(risks, pa.float32(), mask=is_wrong),
            pa.array(known, pa.int16(), mask=is_wrong),
            pa.array(np.array(self.history, dtype=object), pa.string(), mask=is_wrong),
            pa.array(np.array(outside, dtype=object), pa.string(), mask=is_wrong),
            pa.array([self._error(position) for position in range(self.size)], pa.string()),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)

    def _texts_known(self) -> NDArray[np.int64]:
        texts = self.inputs["texts"][:, _FEATURE_TEXTS]
        counts: NDArray[np.int64] = (texts != UNKNOWN).sum(axis=1)
        return counts

    def _identifiers(self, name: str) -> list[str | None]:
        values = self.values.get(name, [None] * self.size)
        return [None if value is None else str(value) for value in values]

    def _error(self, position: int) -> str | None:
        error = self.errors.get(position)
        return "; ".join(messages_of(error))[:_MAX_ERROR] if error else None


def read_block(reader: RowReader, first: int, texts: Sequence[str], connection: sa.Connection | None) -> Block:
    """Read records, look up the earlier stays of their patients, and encode them.

    Args:
        reader: of the records.
        first: number of the first record.
        texts: of the records.
        connection: a transaction that sees ``raw_data``; may be None if the records have no patients.
    """
    values, errors = reader.read_columns(texts)
    if reader.code_system is CodeSystem.ICD10:
        values |= {name: _converted(values[name]) for name in DIAGNOSES if name in values}
    states: list[HistoryState] = ["none"] * len(texts)
    if connection is not None and PATIENT_ID in values:
        patients, encounters = values[PATIENT_ID], values.get(ENCOUNTER_ID, [None] * len(texts))
        stays = _stays(connection, {patient for patient in patients if isinstance(patient, int)})
        histories = [
            history_inputs({PATIENT_ID: patient, ENCOUNTER_ID: encounter}, stays)
            for patient, encounter in zip(patients, encounters, strict=True)
        ]
        states = [state for _, state in histories]
        values |= {name: [inputs.get(name) for inputs, _ in histories] for name in HISTORY_NAMES}
    return Block(first, len(texts), values, states, errors, encode_columns(values, len(texts)))


def messages_of(error: RowError) -> list[str]:
    """What is wrong with a record; identifiers are not quoted."""
    cells = (
        f"{column.name} is {'malformed' if column.name in (ENCOUNTER_ID, PATIENT_ID) else repr(text[:40])}, "
        f"expected {column.expectation}"
        for column, text in error.cells
    )
    return [error.message] if error.message else list(cells)


def _converted(codes: Sequence[Any]) -> list[Any]:
    used = {code: to_icd9(code).used for code in set(codes) if code is not None}
    return [used.get(code) for code in codes]


def _stays(connection: sa.Connection, patients: set[int]) -> dict[int, Encounters]:
    """The stored stays of patients; empty for those who have none."""
    found: dict[int, list[Mapping[str, Any]]] = {patient: [] for patient in patients}
    if found:
        for patient, *values in connection.execute(_QUERY, {"patients": list(found)}):
            found[patient].append(dict(zip(_LOOKUP, values, strict=True)))
    return {patient: tuple(stays) for patient, stays in found.items()}
