"""The test encounters with the predictions of a model and of the LACE proxy."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from ml.evaluation.metrics import Labels, Values

SEED: Final = 296

Predict = Callable[[pd.DataFrame], Values]
"""From a table of encounters to probabilities, shape ``(rows,)``."""


@dataclass(frozen=True, slots=True)
class ScoredTestSet:
    """Test encounters with outcomes and predictions; all arrays of shape ``(rows,)``."""

    table: pd.DataFrame  # as ml.warehouse.datasets.read returns it
    labels: Labels
    probabilities: Values
    patients: Labels
    reference: Values  # probabilities of the LACE proxy
    predict: Predict

    def sample_patients(self, rows: int) -> "ScoredTestSet":
        """Randomly chosen patients with all their encounters, about ``rows`` rows; all if there are fewer."""
        if len(self.labels) <= rows:
            return self
        numbers, cluster = np.unique(self.patients, return_inverse=True)
        rank = np.random.default_rng(SEED).permutation(len(numbers))[cluster]
        kept = rank <= np.sort(rank)[rows - 1]
        return replace(
            self,
            table=self.table[kept],
            labels=self.labels[kept],
            probabilities=self.probabilities[kept],
            patients=self.patients[kept],
            reference=self.reference[kept],
        )
