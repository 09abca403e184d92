"""Subgroups of patients: the columns that define them, and the size from which a subgroup is evaluated."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.evaluation.metrics import Labels

SUBGROUP_COLUMNS: Final = ("race", "gender", "age")
SUBGROUP_ENCOUNTERS: Final = 200
SUBGROUP_POSITIVES: Final = 25
"""Fewest encounters, and fewest of either outcome: below, the metrics of a subgroup are too uncertain."""


def large_subgroups(table: pd.DataFrame, labels: Labels) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield name, such as ``age [70-80)``, and mask of the rows of each subgroup that is large enough.

    Labels (0 or 1) and masks have shape ``(rows,)``.
    """
    for column in SUBGROUP_COLUMNS:
        for level in sorted(table[column].dropna().unique()):
            rows = (table[column] == level).fillna(False).to_numpy(dtype=bool)
            encounters, positives = int(rows.sum()), int(labels[rows].sum())
            rarer_outcome = min(positives, encounters - positives)
            if encounters >= SUBGROUP_ENCOUNTERS and rarer_outcome >= SUBGROUP_POSITIVES:
                yield f"{column} {level}", rows
