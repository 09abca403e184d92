"""From the 50 columns to what a model sees: 47 raw features, unknown values written out, and the target."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.schema import FEATURES, PATIENT_ID, POSITIVE, TARGET, UNKNOWN


def model_inputs(table: pd.DataFrame) -> pd.DataFrame:
    """The raw features as the pipeline and the exported graph take them.

    Returns:
        One column per feature, under its ``input_name``: texts with ``"?"`` for unknown, float32 numbers with NaN.
    """
    columns: dict[str, Any] = {}
    for feature in FEATURES:
        values = table[feature.name]
        columns[feature.input_name] = (
            values.astype("float32") if feature.is_number else values.astype(object).fillna(UNKNOWN)
        )
    return pd.DataFrame(columns, index=table.index)


def target(table: pd.DataFrame) -> NDArray[np.int64]:
    """1 where the patient was readmitted within 30 days, else 0; shape ``(rows,)``."""
    return (table[TARGET] == POSITIVE).to_numpy().astype(np.int64)


def patients(table: pd.DataFrame) -> NDArray[np.int64]:
    """The patient of each row, for grouping; never a feature."""
    return table[PATIENT_ID].to_numpy(dtype=np.int64)
