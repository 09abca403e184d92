"""Predictions of the fitted model for the servers that do not use the bundle."""

from typing import Any

import pandas as pd

from ml.schema import INPUTS


def predict_table(model: Any, table: pd.DataFrame) -> list[float]:
    """Probabilities for a table with any of the input columns."""
    complete = table.reindex(columns=[column.name for column in INPUTS])
    numbers = {column.name: "Float32" for column in INPUTS if column.is_number}
    result: list[float] = model.predict(complete.astype(numbers)).tolist()
    return result
