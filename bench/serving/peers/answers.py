"""Answers of the fitted model, as peers ask for them."""

from typing import Any

import pandas as pd

from ml.schema import INPUTS


def answers(model: Any, given: pd.DataFrame) -> list[float]:
    """Probabilities for a table with any of the columns."""
    table = given.reindex(columns=[column.name for column in INPUTS])
    numbers = {column.name: "Float32" for column in INPUTS if column.is_number}
    found: list[float] = model.predict(table.astype(numbers)).tolist()
    return found
