"""The data set: columns, codes, marginal frequencies and identifying counts; standard library only, no data access."""

from typing import Final

from ml.schema.codes import CANNOT_BE_READMITTED as CANNOT_BE_READMITTED
from ml.schema.columns import COLUMNS as COLUMNS
from ml.schema.columns import Column as Column
from ml.schema.columns import Group as Group
from ml.schema.columns import Kind as Kind
from ml.schema.columns import Missing as Missing
from ml.schema.columns import Record as Record
from ml.schema.history import HISTORY as HISTORY
from ml.schema.icd9 import ICD9_PATTERN as ICD9_PATTERN
from ml.schema.icd9 import canonical_icd9 as canonical_icd9
from ml.schema.icd9 import looks_like_icd10 as looks_like_icd10

BY_NAME: Final = {column.name: column for column in COLUMNS}
COLUMN_NAMES: Final = tuple(BY_NAME)
FEATURES: Final = tuple(column for column in COLUMNS if column.is_feature)
FEATURE_NAMES: Final = tuple(column.name for column in FEATURES)
HISTORY_NAMES: Final = tuple(column.name for column in HISTORY)
INPUTS: Final = (*FEATURES, *HISTORY)
"""Inputs of a model: the features of an encounter and the patient's history."""

ENCOUNTER_ID: Final = "encounter_id"
PATIENT_ID: Final = "patient_nbr"
TARGET: Final = "readmitted"
POSITIVE: Final = "<30"
"""The predicted outcome: a readmission within 30 days of discharge, planned or not."""

UNKNOWN: Final = "?"
"""An unknown value in the delivered file; NULL in PostgreSQL, absent in JSON."""

EXAMPLE_RECORD: Final = {column.name: column.example for column in FEATURES}

GENUINE_ROWS: Final = 101_766
GENUINE_PATIENTS: Final = 71_518
GENUINE_OUTCOMES: Final = {"NO": 54_864, ">30": 35_545, "<30": 11_357}

CITATION: Final = (
    "Clore, J., Cios, K., DeShazo, J. & Strack, B. (2014). Diabetes 130-US Hospitals for Years 1999-2008 "
    "[data set]. UCI Machine Learning Repository. https://doi.org/10.24432/C5230J (CC BY 4.0)"
)
