"""History inputs: what is known of a patient's earlier stays; optional beside the 47 features.

:mod:`ml.core.history` computes them from earlier encounters, for training and for serving.
"""

from typing import Final

from ml.schema import codes
from ml.schema.columns import Column, Group, Kind


def _count(name: str, label: str, high: int, unit: str) -> Column:
    return Column(name, Kind.COUNT, label, Group.HISTORY, low=0, high=high, unit=unit)


HISTORY: Final[tuple[Column, ...]] = (
    _count("earlier_stays", "Earlier stays", 1000, "stays"),
    _count("earlier_days", "Days in hospital in earlier stays", 14_000, "days"),
    _count("most_inpatient", "Most inpatient stays in a year, until now", 50, "stays"),
    Column(
        "previous_discharge",
        Kind.CODE,
        "Discharged to, the last time",
        Group.HISTORY,
        allowed=tuple(codes.DISCHARGE_DISPOSITION),
        texts=codes.DISCHARGE_DISPOSITION,
    ),
    _count("previous_stay", "Length of the last stay", 14, "days"),
    _count("previous_inpatient", "Inpatient stays in the year before the last stay", 50, "stays"),
    _count("previous_emergency", "Emergency visits in the year before the last stay", 100, "visits"),
    _count("previous_medications", "Distinct medications in the last stay", 100, "medications"),
    _count("previous_lab_tests", "Laboratory tests in the last stay", 150, "tests"),
    _count("previous_diagnoses", "Diagnoses recorded in the last stay", 16, "diagnoses"),
    Column("previous_diagnosis", Kind.ICD9, "Primary diagnosis of the last stay", Group.HISTORY, unit="ICD-9-CM"),
)
"""A first stay has ``earlier_stays`` 0 and no other of these; a record with unknown history has none of them."""
