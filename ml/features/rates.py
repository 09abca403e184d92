"""Smoothed rates of readmission by value, from counts that add up over parts of the rows."""

from dataclasses import astuple, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Labels = NDArray[np.int64]
Ids = NDArray[np.int64]

UNKNOWN_VALUE: Final = np.float32(-1)
SMOOTHING: Final = 50.0
"""Weight of the overall rate in target encoding, in rows."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Smoothed rates of readmission by id; -1 for unknown."""

    diagnoses: Matrix  # (diagnoses, codes, 2): of the code and of its category
    categories: Matrix  # (rated categories, vocabulary)
    codes: Matrix  # (rated codes, code limit)


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows and readmissions, in the last axis, by id. The counts of parts of the rows add up to those of all rows."""

    overall: Ids  # (2,)
    diagnoses: Ids  # (diagnoses, codes, 2)
    categories: Ids  # (rated categories, vocabulary, 2)
    codes: Ids  # (rated codes, code limit, 2)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(*(mine - its for mine, its in zip(astuple(self), astuple(other), strict=True)))

    def rates(self, category_of: Ids) -> Rates:
        """The rates; ``category_of`` is the id of the category of each code, shape ``(codes,)``."""
        overall = float(self.overall[1] / self.overall[0])
        of_codes = [
            (_rate(counts, overall), _rate(_sum_by(category_of, counts), overall)[category_of])
            for counts in self.diagnoses
        ]
        return Rates(
            np.array(of_codes).transpose(0, 2, 1),
            np.array([_rate(counts, overall) for counts in self.categories]),
            np.array([_rate(counts, overall) for counts in self.codes]),
        )


def count(ids: Ids, labels: Labels, size: int) -> Ids:
    """Rows and readmissions of each id below ``size``, for each column of ``ids``; shape ``(columns, size, 2)``."""
    return np.array(
        [
            np.stack([np.bincount(column, minlength=size), np.bincount(column[labels == 1], minlength=size)], axis=1)
            for column in ids.T
        ]
    )


def _sum_by(category_of: Ids, counts: Ids) -> Ids:
    sums = np.zeros_like(counts)
    np.add.at(sums, category_of, counts)
    return sums


def _rate(counts: Ids, overall: float) -> Matrix:
    rate = ((counts[:, 1] + SMOOTHING * overall) / (counts[:, 0] + SMOOTHING)).astype(np.float32)
    rate[0] = UNKNOWN_VALUE
    return rate
