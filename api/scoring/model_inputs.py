"""Model inputs: records without identifiers, and with the history of their patients."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from api.contract.conversions import conversion_warnings
from api.scoring.record_checks import RecordWarning, contradictions, contradictions_with_stays
from api.storage.patient_history import PatientHistory
from ml.core.history import Encounters, HistoryState, history_inputs
from ml.schema import FEATURE_NAMES, PATIENT_ID, Record
from ml.schema.population import outside_population


class ModelInputs(NamedTuple):
    """Inputs of the model, and what the answer says of each record, in the order of the records."""

    records: Sequence[Record]
    history: list[HistoryState]
    outside_population: list[str | None]
    warnings: list[RecordWarning]


async def look_up_inputs(records: Sequence[Record], patient_history: PatientHistory) -> ModelInputs:
    """Make the inputs without blocking the event loop."""
    patients = patients_of(records)
    return inputs_of(records, await patient_history.find(patients) if patients else {})


def look_up_inputs_blocking(records: Sequence[Record], patient_history: PatientHistory) -> ModelInputs:
    """The same, for threads that may wait."""
    patients = patients_of(records)
    return inputs_of(records, patient_history.find_blocking(patients) if patients else {})


def patients_of(records: Sequence[Record]) -> set[int]:
    """The patient numbers in the records; stays of patients with another identifier are not stored."""
    return {number for record in records if isinstance(number := record.get(PATIENT_ID), int)}


def add_history(record: Record, encounters: Mapping[int, Encounters]) -> tuple[Record, HistoryState]:
    """The model input of a record, and the state of its history."""
    features = {name: record[name] for name in FEATURE_NAMES if name in record}
    history, state = history_inputs(record, encounters)
    return ({**features, **history} if history else features), state


def warnings_of(index: int, record: Record, encounters: Mapping[int, Encounters]) -> Iterator[RecordWarning]:
    """The warnings of the record at an index of a request."""
    for warning in (*conversion_warnings(record), *contradictions(record)):
        yield RecordWarning(index, *warning)
    patient = record.get(PATIENT_ID)
    if isinstance(patient, int) and (stays := encounters.get(patient)):
        for warning in contradictions_with_stays(record, stays):
            yield RecordWarning(index, *warning)


def inputs_of(records: Sequence[Record], encounters: Mapping[int, Encounters]) -> ModelInputs:
    """Make the inputs from the encounters of the patients."""
    outside = [outside_population(record) for record in records]
    warnings = [warning for index, record in enumerate(records) for warning in warnings_of(index, record, encounters)]
    if not any(PATIENT_ID in record for record in records):
        return ModelInputs(records, ["none"] * len(records), outside, warnings)
    inputs = [add_history(record, encounters) for record in records]
    return ModelInputs([record for record, _ in inputs], [state for _, state in inputs], outside, warnings)
