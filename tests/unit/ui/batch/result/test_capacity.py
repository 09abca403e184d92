"""Capacity on a file: the lowest threshold that flags no more rows than can be called."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.core.policies.threshold_table import STEPS
from ui.batch.result.capacity import step_of_rank

RISKS = st.lists(st.floats(0, 0.984375, width=32), min_size=1, max_size=60)


def flagged(risks: "pd.Series[float]", step: int) -> int:
    return int((risks.to_numpy().astype(np.float32) >= np.float32(step / STEPS)).sum())


@given(risks=RISKS, most=st.integers(1, 70))
def test_no_more_rows_are_flagged_than_can_be_called_and_a_lower_threshold_would_flag_more(
    risks: list[float], most: int
) -> None:
    table = pd.Series(risks, dtype="float64")
    step = step_of_rank(table, most)

    assert flagged(table, step) <= most
    assert step == 0 or flagged(table, step - 1) > most


@pytest.mark.parametrize("most", [1, 2])
def test_equal_risks_are_flagged_together_or_not_at_all(most: int) -> None:
    assert flagged(pd.Series([0.3, 0.3, 0.3]), step_of_rank(pd.Series([0.3, 0.3, 0.3]), most)) == 0
