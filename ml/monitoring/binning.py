"""Values in bins: categories as they are, counts by value or tenths, diagnoses by frequent code or else chapter.

The bins come from the reference alone, so the window has no say in how it is looked at. What the reference has never
seen has a bin too.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.features.icd9 import CHAPTERS, chapter, order
from ml.monitoring.drift import Counts
from ml.schema import Column, Kind

SINGLE_VALUES: Final = 16
"""Counts with up to so many different values have a bin for each."""
TENTHS: Final = tuple(np.linspace(0, 1, 11)[1:-1].tolist())
FREQUENT: Final = 0.01
"""Share of the known diagnoses from which on a code has a bin of its own."""
ELSE: Final = "anything else"
_LETTERS: Final = {1000.0: "V", 1200.0: "E"}
"""Where the chapters begin whose codes do so with a letter; see :func:`ml.features.icd9.order`."""


class Binning(Protocol):
    """Bins with their labels, and the bin of each value."""

    @property
    def labels(self) -> tuple[str, ...]:
        """One for each bin."""

    def place(self, known: pd.Series) -> NDArray[np.intp]:
        """Number of the bin of each of some known values."""


def count(binning: Binning, values: pd.Series) -> Counts:
    """How many of the known values fall into each bin, shape ``(len(binning.labels),)``."""
    return np.bincount(binning.place(values.dropna()), minlength=len(binning.labels)).astype(np.int64)


def binning_of(column: Column, reference: pd.Series) -> Binning:
    """The bins of a feature.

    Args:
        column: of the schema.
        reference: its values there, NA for unknown.
    """
    known = reference.dropna()
    if column.kind is Kind.COUNT:
        return ranges_of(known)
    if column.kind is Kind.ICD9:
        return Diagnoses.of(known)
    return Categories(column.allowed, column.is_number)


@dataclass(frozen=True, slots=True)
class Categories:
    """A bin for each value that the schema allows, and one for anything else."""

    values: tuple[str | int, ...]
    numbers: bool

    @property
    def labels(self) -> tuple[str, ...]:
        """The values."""
        return (*map(str, self.values), ELSE)

    def place(self, known: pd.Series) -> NDArray[np.intp]:
        """Number of the bin of each value."""
        found = pd.Index(self.values).get_indexer(pd.Index(known.astype("int64" if self.numbers else object)))
        return np.where(found < 0, len(self.values), found)


@dataclass(frozen=True, slots=True)
class Ranges:
    """Bins between edges: up to the first, above it up to the second, …, above the last."""

    edges: tuple[float, ...]
    labels: tuple[str, ...]

    def place(self, known: pd.Series) -> NDArray[np.intp]:
        """Number of the bin of each value."""
        return np.searchsorted(np.array(self.edges), known.to_numpy(dtype=np.float64), side="left")


def ranges_of(known: pd.Series) -> Ranges:
    """A bin for each value where they are few, else for each tenth of them, as far as the values can be parted."""
    distinct = np.unique(known.to_numpy(dtype=np.float64))
    if len(distinct) <= SINGLE_VALUES:
        edges = tuple(distinct[:-1].tolist())
    else:
        edges = tuple(np.unique(np.quantile(known.to_numpy(dtype=np.float64), TENTHS)).tolist())
    if not edges:
        return Ranges((), ("any",))
    middle = (_between(low, high) for low, high in pairwise(edges))
    return Ranges(edges, (f"up to {edges[0]:.4g}", *middle, f"above {edges[-1]:.4g}"))


def _between(low: float, high: float) -> str:
    """Whole numbers above the one and up to the other."""
    return f"{high:.4g}" if high - low <= 1 else f"{low + 1:.4g} to {high:.4g}"


@dataclass(frozen=True, slots=True)
class Diagnoses:
    """A bin for each frequent code, one for the rest of each chapter of ICD-9-CM, and one outside of all."""

    frequent: tuple[str, ...]

    @classmethod
    def of(cls, known: pd.Series) -> "Diagnoses":
        """With the codes that are frequent among these."""
        shares = known.value_counts(normalize=True)
        return cls(tuple(sorted(shares.index[shares >= FREQUENT])))

    @property
    def labels(self) -> tuple[str, ...]:
        """The codes, and the ranges of the chapters."""
        return (*self.frequent, *(f"other {_range(low, high)}" for low, high in CHAPTERS), ELSE)

    def place(self, known: pd.Series) -> NDArray[np.intp]:
        """Number of the bin of each code."""
        numbers, codes = pd.factorize(known)
        return np.array([self._bin(str(code)) for code in codes], dtype=np.intp)[numbers]

    def _bin(self, code: str) -> int:
        if code in self.frequent:
            return self.frequent.index(code)
        found = chapter(order(code))
        return len(self.frequent) + (found if found >= 0 else len(CHAPTERS))


def _range(low: float, high: float) -> str:
    """A chapter by its codes: 390 to 459, V or E."""
    if low in _LETTERS:
        return _LETTERS[low]
    return f"{low:.0f} to {high - 1:.0f}" if high - low > 1 else f"{low:.0f}"
