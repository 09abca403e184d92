"""Computes the history inputs of an encounter from the patient's earlier encounters, for training and serving.

Only earlier encounters are arguments, so nothing later can leak in. Their outcomes are not used: they gave no
measurable gain.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from ml.schema import CANNOT_BE_READMITTED, ENCOUNTER_ID, HISTORY_NAMES, PATIENT_ID, Record

HistoryState = Literal["used", "unknown", "unavailable", "none"]
"""Whether earlier stays were used; the patient is not stored; the stays could not be read; there is no patient."""

Encounters = tuple[Mapping[str, Any], ...]
"""The stored encounters of a patient, oldest first."""

PREVIOUS: Final[Mapping[str, str]] = {
    "previous_discharge": "discharge_disposition_id",
    "previous_stay": "time_in_hospital",
    "previous_inpatient": "number_inpatient",
    "previous_emergency": "number_emergency",
    "previous_medications": "num_medications",
    "previous_lab_tests": "num_lab_procedures",
    "previous_diagnoses": "number_diagnoses",
    "previous_diagnosis": "diag_1",
}
"""Inputs that are values of the last stay, and their columns."""

SOURCE_COLUMNS: Final = tuple(PREVIOUS.values())

LOOKUP_COLUMNS: Final = tuple(
    dict.fromkeys((ENCOUNTER_ID, "discharge_disposition_id", "gender", "age", *SOURCE_COLUMNS))
)
"""What the API reads of a patient's encounters: for the history, and to compare sex and age with those of a record."""


def history_of(earlier: Sequence[Mapping[str, Any]]) -> dict[str, str | int]:
    """Known inputs of :data:`ml.schema.HISTORY`; ``{"earlier_stays": 0}`` for a first stay.

    ``earlier`` are the patient's earlier encounters, oldest first, each with :data:`SOURCE_COLUMNS`; None is unknown.
    """
    if not earlier:
        return {"earlier_stays": 0}
    last = earlier[-1]
    inputs: dict[str, Any] = {
        "earlier_stays": len(earlier),
        "earlier_days": sum(encounter["time_in_hospital"] or 0 for encounter in earlier),
        "most_inpatient": max(encounter["number_inpatient"] or 0 for encounter in earlier),
        **{name: last[column] for name, column in PREVIOUS.items()},
    }
    return {name: inputs[name] for name in HISTORY_NAMES if inputs[name] is not None}


def history_inputs(record: Record, encounters: Mapping[int, Encounters]) -> tuple[Record, HistoryState]:
    """The inputs of :data:`ml.schema.HISTORY` for a record, and the state of its history.

    Earlier stays are those in the cohort before the number of the encounter. Without one, all stays in the cohort: an
    encounter whose identifier is a text is not among the stored ones. A patient who is absent from ``encounters`` could
    not be looked up.
    """
    patient = record.get(PATIENT_ID)
    if patient is None:
        return {}, "none"
    of_patient = encounters.get(patient) if isinstance(patient, int) else ()
    if not of_patient:
        return {}, "unavailable" if of_patient is None else "unknown"
    before = record.get(ENCOUNTER_ID)
    earlier = [
        encounter
        for encounter in of_patient
        if encounter["discharge_disposition_id"] not in CANNOT_BE_READMITTED
        and (not isinstance(before, int) or encounter[ENCOUNTER_ID] < before)
    ]
    return history_of(earlier), "used"
