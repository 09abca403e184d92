"""What the data set is: columns, code books, marginal frequencies and the facts that identify it."""

from typing import Final

from ml.schema.codes import CANNOT_BE_READMITTED
from ml.schema.columns import COLUMNS, ICD9_PATTERN, Column, Group, Kind, Missing, Record
from ml.schema.history import HISTORY

BY_NAME: Final = {column.name: column for column in COLUMNS}
COLUMN_NAMES: Final = tuple(BY_NAME)
FEATURES: Final = tuple(column for column in COLUMNS if column.is_feature)
FEATURE_NAMES: Final = tuple(column.name for column in FEATURES)
INPUTS: Final = (*FEATURES, *HISTORY)
"""What a model takes: the features of a record, and what is known of earlier stays."""
HISTORY_NAMES: Final = tuple(column.name for column in HISTORY)

ENCOUNTER_ID: Final = "encounter_id"
PATIENT_ID: Final = "patient_nbr"
TARGET: Final = "readmitted"
POSITIVE: Final = "<30"
"""The outcome that is predicted: an unplanned or planned return within 30 days of discharge."""

UNKNOWN: Final = "?"
"""How the delivered file writes an unknown value; NULL in PostgreSQL, absent in JSON."""

EXAMPLE_RECORD: Final = {column.name: column.example for column in FEATURES}

GENUINE_ROWS: Final = 101_766
GENUINE_PATIENTS: Final = 71_518
GENUINE_OUTCOMES: Final = {"NO": 54_864, ">30": 35_545, "<30": 11_357}
"""Counts that identify the complete data set 296, whichever way it was delivered."""

CITATION: Final = (
    "Clore, J., Cios, K., DeShazo, J. & Strack, B. (2014). Diabetes 130-US Hospitals for Years 1999-2008 "
    "[data set]. UCI Machine Learning Repository. https://doi.org/10.24432/C5230J (CC BY 4.0)"
)

__all__ = [
    "BY_NAME",
    "CANNOT_BE_READMITTED",
    "CITATION",
    "COLUMNS",
    "COLUMN_NAMES",
    "ENCOUNTER_ID",
    "EXAMPLE_RECORD",
    "FEATURES",
    "FEATURE_NAMES",
    "GENUINE_OUTCOMES",
    "GENUINE_PATIENTS",
    "GENUINE_ROWS",
    "HISTORY",
    "HISTORY_NAMES",
    "ICD9_PATTERN",
    "INPUTS",
    "PATIENT_ID",
    "POSITIVE",
    "TARGET",
    "UNKNOWN",
    "Column",
    "Group",
    "Kind",
    "Missing",
    "Record",
]
