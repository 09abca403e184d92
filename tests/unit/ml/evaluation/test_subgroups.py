"""Which subgroups are large enough to be evaluated."""

import numpy as np
import pandas as pd
import pytest

from ml.evaluation.subgroups import SUBGROUP_ENCOUNTERS, SUBGROUP_POSITIVES, large_subgroups


def names(encounters: int, positives: int) -> list[str]:
    """Subgroups of a table with one small group, of unknown race."""
    table = pd.DataFrame({"race": "Asian", "gender": ["Female"] * encounters, "age": "[70-80)"})
    others = pd.DataFrame({"race": [None] * 1_000, "gender": "Male", "age": "[80-90)"})
    labels = np.r_[np.arange(encounters) < positives, np.arange(1_000) % 2 == 0].astype(np.int64)
    return [name for name, _ in large_subgroups(pd.concat([table, others], ignore_index=True), labels)]


@pytest.mark.parametrize(
    ("encounters", "positives", "large"),
    [
        (SUBGROUP_ENCOUNTERS, SUBGROUP_POSITIVES, True),
        (SUBGROUP_ENCOUNTERS - 1, SUBGROUP_POSITIVES, False),
        (SUBGROUP_ENCOUNTERS, SUBGROUP_POSITIVES - 1, False),
        (SUBGROUP_ENCOUNTERS, SUBGROUP_ENCOUNTERS - SUBGROUP_POSITIVES + 1, False),
    ],
)
def test_a_subgroup_needs_encounters_and_either_outcome(encounters: int, positives: int, large: bool) -> None:
    assert ("race Asian" in names(encounters, positives)) is large
    assert "gender Male" in names(encounters, positives)


def test_rows_of_unknown_value_form_no_subgroup() -> None:
    assert names(300, 100) == ["race Asian", "gender Female", "gender Male", "age [70-80)", "age [80-90)"]


def test_the_mask_selects_the_rows_of_the_subgroup() -> None:
    table = pd.DataFrame({"race": "Asian", "gender": ["Female", "Male"] * 300, "age": "[70-80)"})
    labels = (np.arange(600) % 3 == 0).astype(np.int64)

    rows = dict(large_subgroups(table, labels))["gender Male"]
    assert rows.tolist() == [False, True] * 300
