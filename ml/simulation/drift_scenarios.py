"""Drift scenarios: changes to a table of encounters that the drift tests should find.

Each function returns a changed copy of a table with the columns of the data set. Unknown values (NA) and outcomes do
not change.
"""

from collections.abc import Callable, Mapping
from typing import Final

import pandas as pd

from ml.features.icd9 import parent
from ml.schema import BY_NAME
from ml.warehouse.datasets import DTYPES

Shift = Callable[[pd.DataFrame], pd.DataFrame]

_BANDS: Final = tuple(str(band) for band in BY_NAME["age"].allowed)
_OLDER: Final = dict(zip(_BANDS, (*_BANDS[1:], _BANDS[-1]), strict=True))


def one_age_band_older(table: pd.DataFrame) -> pd.DataFrame:
    """Every patient is one age band older, except in the last band."""
    return table.assign(age=table["age"].map(_OLDER, na_action="ignore").astype(DTYPES["age"]))


def without_payer(table: pd.DataFrame, payer: str = "MC") -> pd.DataFrame:
    """The patients of a payer are missing; the default, Medicare, is the most frequent."""
    return table[(table["payer_code"] != payer).fillna(True)].reset_index(drop=True)


def lab_not_measured(table: pd.DataFrame, lab: str = "A1Cresult") -> pd.DataFrame:
    """A laboratory value is recorded as not measured."""
    return table.assign(**{lab: table[lab].where(table[lab].isna(), "None")})


def diagnoses_by_category(table: pd.DataFrame) -> pd.DataFrame:
    """ICD-9 codes lose their decimals, such as 250.83 to 250."""
    names = ("diag_1", "diag_2", "diag_3")
    return table.assign(**{n: table[n].map(parent, na_action="ignore").astype(DTYPES[n]) for n in names})


SHIFTS: Final[Mapping[str, Shift]] = {
    "none": pd.DataFrame.copy,
    "age": one_age_band_older,
    "payer": without_payer,
    "lab": lab_not_measured,
    "icd": diagnoses_by_category,
}
