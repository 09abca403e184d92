"""Characteristics of the training and the test encounters."""

from collections.abc import Callable, Mapping
from typing import Final

import pandas as pd

from ml.features.tables import target
from ml.report.findings import Characteristic
from ml.report.formatting import percent
from ml.schema import PATIENT_ID

DRAWN: Final = "Drawn by patient from"


def characteristics(
    train: pd.DataFrame, test: pd.DataFrame, totals: tuple[int, int] | None = None
) -> tuple[Characteristic, ...]:
    """One line per characteristic, as text; ``totals`` are the encounters of which the tables may be samples."""
    first, *others = (Characteristic(label, describe(train), describe(test)) for label, describe in LINES.items())
    if totals in (None, (len(train), len(test))):
        return first, *others
    return first, Characteristic(DRAWN, *(f"{total:,}" for total in totals)), *others


def _share(rows: pd.Series) -> str:
    return percent(float(rows.fillna(False).mean()))


def _quartiles(values: pd.Series) -> str:
    low, middle, high = values.quantile([0.25, 0.5, 0.75])
    return f"{middle:.0f} ({low:.0f} to {high:.0f})"


LINES: Final[Mapping[str, Callable[[pd.DataFrame], str]]] = {
    "Encounters": lambda t: f"{len(t):,}",
    "Patients": lambda t: f"{t[PATIENT_ID].nunique():,}",
    "Readmitted within 30 days": lambda t: f"{target(t).sum():,} ({percent(float(target(t).mean()))})",
    "Women": lambda t: _share(t["gender"] == "Female"),
    "Aged 70 or older": lambda t: _share(t["age"].isin(("[70-80)", "[80-90)", "[90-100)"))),
    "African American": lambda t: _share(t["race"] == "AfricanAmerican"),
    "Race not recorded": lambda t: _share(t["race"].isna()),
    "Emergency admission": lambda t: _share(t["admission_type_id"] == 1),
    "Discharged home": lambda t: _share(t["discharge_disposition_id"] == 1),
    "Days in hospital, median (quartiles)": lambda t: _quartiles(t["time_in_hospital"]),
    "Medications, median (quartiles)": lambda t: _quartiles(t["num_medications"]),
    "Inpatient stay in the prior year": lambda t: _share(t["number_inpatient"] > 0),
    "HbA1c measured": lambda t: _share(t["A1Cresult"] != "None"),
    "Insulin given": lambda t: _share(t["insulin"] != "No"),
}
"""The characteristics by their labels."""
