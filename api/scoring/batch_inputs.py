"""Model inputs of a batch, by column; the same as :mod:`api.scoring.model_inputs` makes record by record."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from api.contract.record_columns import RecordColumns
from api.scoring.model_inputs import warnings_of
from api.scoring.record_checks import RecordWarning, rows_to_check
from api.storage.patient_history import PatientHistory
from ml.core.bundle import encode_columns
from ml.core.history import Encounters, HistoryState, history_inputs
from ml.core.reliability import EARLIER_STAYS, UNITS
from ml.schema import CANNOT_BE_READMITTED, FEATURES, HISTORY_NAMES, PATIENT_ID
from ml.schema.code_systems import ConvertedRecord
from ml.schema.population import outside_population

_DISPOSITION: Final = "discharge_disposition_id"


class BatchInputs(NamedTuple):
    """Inputs of the model, and what the answer says of each record, in the order of the records.

    ``values`` has a list of length n for each input that is known for a record; None is unknown. ``is_known`` has the
    shape ``(n, len(UNITS))``.
    """

    values: Mapping[str, Sequence[Any]]
    is_known: NDArray[np.bool_]
    history: list[HistoryState]
    outside_population: list[str | None]
    warnings: list[RecordWarning]

    @property
    def known_fields(self) -> list[int]:
        """Number of known features of each record."""
        counts: list[int] = self.is_known[:, : len(FEATURES)].sum(axis=1).tolist()
        return counts

    @property
    def has_history(self) -> NDArray[np.bool_]:
        """Whether the history of each record is known, shape ``(n,)``."""
        return self.is_known[:, UNITS.index(EARLIER_STAYS)]

    def encode(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        """Inputs of the graph for some of the records; see :func:`ml.core.bundle.encode`."""
        part = {name: column[start:stop] for name, column in self.values.items()}
        return encode_columns(part, len(self.history[start:stop]))


def look_up_batch(columns: RecordColumns, patient_history: PatientHistory) -> BatchInputs:
    """Make the inputs, in a thread that may wait."""
    patients = {patient for patient in columns.distinct[PATIENT_ID] if isinstance(patient, int)}
    return batch_inputs(columns, patient_history.find_blocking(patients) if patients else {})


def batch_inputs(columns: RecordColumns, encounters: Mapping[int, Encounters]) -> BatchInputs:
    """Make the inputs from the encounters of the patients."""
    records, values = columns.records, dict(columns.values)
    states: list[HistoryState] = ["none"] * len(columns)
    if columns.distinct[PATIENT_ID] != {None}:
        histories = [history_inputs(record, encounters) for record in records]
        states = [state for _, state in histories]
        values |= {name: [inputs.get(name) for inputs, _ in histories] for name in HISTORY_NAMES}
    outside: list[str | None] = [None] * len(columns)
    if not columns.distinct[_DISPOSITION].isdisjoint(CANNOT_BE_READMITTED):
        outside = [outside_population(record) for record in records]
    return BatchInputs(values, _is_known(columns, values), states, outside, _warnings(columns, encounters))


def _is_known(columns: RecordColumns, values: Mapping[str, Sequence[Any]]) -> NDArray[np.bool_]:
    is_known = np.ones((len(columns), len(UNITS)), dtype=np.bool_)
    for unit, name in enumerate(UNITS):
        if name not in values:
            is_known[:, unit] = False
        elif name not in columns.distinct or None in columns.distinct[name]:
            is_known[:, unit] = [value is not None for value in values[name]]
    return is_known


def _warnings(columns: RecordColumns, encounters: Mapping[int, Encounters]) -> list[RecordWarning]:
    records = columns.records
    if isinstance(records[0], ConvertedRecord) or any(encounters.values()):
        rows: Sequence[int] = range(len(columns))
    else:
        rows = rows_to_check(columns).tolist()
    return [warning for row in rows for warning in warnings_of(row, records[row], encounters)]
