"""Changes that a hospital may undergo, done to a table of encounters: to see and to test what notices them.

Each function takes a table with the columns of the data set, NA for unknown, and returns a changed copy. What is
unknown stays unknown, and the outcomes stay as they were.
"""

from collections.abc import Callable, Mapping
from typing import Final

import pandas as pd

from ml.features.icd9 import parent
from ml.schema import BY_NAME

Shift = Callable[[pd.DataFrame], pd.DataFrame]

_BANDS: Final = tuple(str(band) for band in BY_NAME["age"].allowed)
_OLDER: Final = dict(zip(_BANDS, (*_BANDS[1:], _BANDS[-1]), strict=True))
_DIAGNOSES: Final = ("diag_1", "diag_2", "diag_3")
_NOT_MEASURED: Final = "None"


def unchanged(table: pd.DataFrame) -> pd.DataFrame:
    """The encounters as they are."""
    return table.copy()


def one_age_band_older(table: pd.DataFrame) -> pd.DataFrame:
    """Every patient ten years older; those in the last band stay there."""
    return table.assign(age=table["age"].map(_OLDER, na_action="ignore").astype(table["age"].dtype))


def without_payer(table: pd.DataFrame, payer: str = "MC") -> pd.DataFrame:
    """The patients of a payer go elsewhere, by default those of Medicare, the commonest: their rows are gone."""
    return table[(table["payer_code"] != payer).fillna(True)].reset_index(drop=True)


def lab_not_measured(table: pd.DataFrame, lab: str = "A1Cresult") -> pd.DataFrame:
    """A laboratory value is no longer measured; the record says so, as it always did of those not measured."""
    return table.assign(**{lab: table[lab].where(table[lab].isna(), _NOT_MEASURED)})


def diagnoses_by_category(table: pd.DataFrame) -> pd.DataFrame:
    """ICD-9 codes are written without their decimals: 250.83 becomes 250, and what it says of complications is lost."""
    return table.assign(
        **{name: table[name].map(parent, na_action="ignore").astype(table[name].dtype) for name in _DIAGNOSES}
    )


SHIFTS: Final[Mapping[str, Shift]] = {
    "none": unchanged,
    "age": one_age_band_older,
    "payer": without_payer,
    "lab": lab_not_measured,
    "icd": diagnoses_by_category,
}
"""Name to change."""
