"""Offsets: additions to the logit that calibrate incomplete records."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ml.core.reliability import EARLIER_STAYS
from ml.features.encoder import feature_names
from ml.features.rates import Matrix
from ml.schema import FEATURES, Kind

Values = NDArray[np.float64]

KNOWN_COLUMNS: Final = tuple(
    feature_names().index(f"{c.name}:order" if c.kind is Kind.ICD9 else c.name) for c in FEATURES
)
"""Columns of the encoded matrix that are negative exactly where a feature is unknown."""
HISTORY_COLUMN: Final = feature_names().index(EARLIER_STAYS)
"""The column that is negative exactly where the history is unknown."""

GROUPS: Final = tuple(dict.fromkeys(column.group for column in FEATURES))
MEMBERS: Final = np.array([[column.group is group for group in GROUPS] for column in FEATURES], dtype=np.float32)
"""1 where a feature belongs to a group; shape ``(len(FEATURES), len(GROUPS))``."""

_OFFSET_BINS: Final = 8
_ORDINARY_QUANTILE: Final = 0.01
"""This share of the training rows has fewer known features than an ordinary record."""
_NEWTON_STEPS: Final = 12
_RIDGE: Final = 1.0
"""Penalty that holds an offset at 0 where no row determines it."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """Additions to the logit of an incomplete record.

    ``by_number``: by whether the history is known and by number of known features, ``(2, len(FEATURES) + 1)``;
    ``by_group``: for each group whose fields are all unknown, ``(len(GROUPS),)``.
    """

    by_number: NDArray[np.float32] = field(default_factory=lambda: np.zeros((2, len(FEATURES) + 1), np.float32))
    by_group: NDArray[np.float32] = field(default_factory=lambda: np.zeros(len(GROUPS), np.float32))

    def of(self, matrix: Matrix) -> Values:
        """The offset of each row of an encoded matrix, shape ``(rows,)``."""
        by_number = self.by_number[known_history(matrix).astype(np.int64), known_features(matrix)]
        offsets: Values = by_number + unknown_groups(matrix) @ self.by_group
        return offsets


def known_features(matrix: Matrix) -> NDArray[np.int64]:
    """Number of known features in each row of an encoded matrix, 0 to 47."""
    known: NDArray[np.int64] = (matrix[:, KNOWN_COLUMNS] >= 0).sum(axis=1)
    return known


def ordinary_number(matrix: Matrix) -> int:
    """Number of known features that only few of these rows do not reach."""
    return int(np.quantile(known_features(matrix), _ORDINARY_QUANTILE))


def known_history(matrix: Matrix) -> NDArray[np.bool_]:
    """Whether the history is known in each row of an encoded matrix."""
    return np.asarray(matrix[:, HISTORY_COLUMN] >= 0)


def unknown_groups(matrix: Matrix) -> NDArray[np.bool_]:
    """Groups without any known feature in each row; shape ``(rows, len(GROUPS))``."""
    known = matrix[:, KNOWN_COLUMNS] >= 0
    return np.asarray(known @ MEMBERS == 0)


def fit_offsets(logits: Values, matrix: Matrix, prevalence: float, ordinary: int) -> Offsets:
    """Offsets that bring the mean risk to the prevalence for each number of known features and each unknown group.

    Fields are masked at random, so the rate of readmissions does not depend on the mask, but shrinkage moves the trees'
    mean. Records with at least ``ordinary`` known features get no offset unless a whole group is unknown. The offsets
    are a logistic regression on the kind of mask, with the prevalence as outcome, solved by Newton's method.
    """
    known = known_features(matrix)
    edges = np.quantile(known, np.linspace(0, 1, _OFFSET_BINS + 1)[1:-1])
    numbers = np.arange(len(FEATURES) + 1)
    bins = np.searchsorted(edges, numbers, side="right")
    by_bin = np.eye(_OFFSET_BINS)[bins[known]] * (known < ordinary)[:, None]
    history = known_history(matrix)[:, None]
    design = np.hstack([by_bin * ~history, by_bin * history, unknown_groups(matrix)])
    offsets = np.zeros(design.shape[1])
    for _ in range(_NEWTON_STEPS):
        risks = expit(logits + design @ offsets)
        curvature = (design * (risks * (1 - risks))[:, None]).T @ design + _RIDGE * np.eye(len(offsets))
        offsets += np.linalg.solve(curvature, design.T @ (prevalence - risks) - _RIDGE * offsets)
    by_bins, by_group = np.split(offsets, [2 * _OFFSET_BINS])
    by_number = np.where(numbers < ordinary, by_bins.reshape(2, _OFFSET_BINS)[:, bins], 0)
    return Offsets(by_number.astype(np.float32), by_group.astype(np.float32))
