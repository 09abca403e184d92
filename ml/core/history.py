"""A patient's earlier stays as inputs of a model. One implementation, for training tables and for the API.

Past only by construction: the functions see nothing but the encounters before the one in question. The outcome
of an earlier encounter is not used; it added nothing that could be measured. Standard library only.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ml.schema import HISTORY_NAMES

_PREVIOUS: Final[Mapping[str, str]] = {
    "previous_discharge": "discharge_disposition_id",
    "previous_stay": "time_in_hospital",
    "previous_inpatient": "number_inpatient",
    "previous_emergency": "number_emergency",
    "previous_medications": "num_medications",
    "previous_lab_tests": "num_lab_procedures",
    "previous_diagnoses": "number_diagnoses",
    "previous_diagnosis": "diag_1",
}
"""Input to the column of the last encounter that it repeats."""

SOURCE_COLUMNS: Final = tuple(_PREVIOUS.values())
"""The columns of an encounter that become history."""


def history_of(earlier: Sequence[Mapping[str, Any]]) -> dict[str, str | int]:
    """The inputs of :data:`ml.schema.HISTORY` from a patient's earlier encounters.

    Args:
        earlier: the patient's earlier encounters of the cohort, oldest first; each holds :data:`SOURCE_COLUMNS`, with
            None for an unknown value.

    Returns:
        The known inputs; for a first stay ``{"earlier_stays": 0}``.
    """
    if not earlier:
        return {"earlier_stays": 0}
    last = earlier[-1]
    known: dict[str, Any] = {
        "earlier_stays": len(earlier),
        "earlier_days": sum(encounter["time_in_hospital"] or 0 for encounter in earlier),
        "most_inpatient": max(encounter["number_inpatient"] or 0 for encounter in earlier),
        **{name: last[column] for name, column in _PREVIOUS.items()},
    }
    return {name: known[name] for name in HISTORY_NAMES if known[name] is not None}
