"""A part of the test patients, where asking about all of them would take minutes."""

from dataclasses import replace
from typing import Final

import numpy as np

from ml.report.findings import Judged

SEED: Final = 296


def of_some_patients(judged: Judged, rows: int) -> Judged:
    """The answers for patients drawn at random, each with all encounters, until there are about this many rows.

    Args:
        judged: the answers for all test patients.
        rows: how many encounters to keep; all of them when there are fewer.
    """
    if len(judged.labels) <= rows:
        return judged
    numbers, cluster = np.unique(judged.patients, return_inverse=True)
    rank = np.random.default_rng(SEED).permutation(len(numbers))[cluster]
    kept = rank <= np.sort(rank)[rows - 1]
    return replace(
        judged,
        table=judged.table[kept],
        labels=judged.labels[kept],
        probabilities=judged.probabilities[kept],
        patients=judged.patients[kept],
        reference=judged.reference[kept],
    )
