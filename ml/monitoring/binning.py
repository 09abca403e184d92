"""Binning of feature values: categories by value, counts by value or decile, diagnoses by code or ICD-9 chapter.

Bins are derived from the reference only, so the window cannot influence them. Unseen values have a bin of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.features.icd9 import CHAPTERS, chapter, order
from ml.monitoring.drift import Counts
from ml.schema import Column, Kind

MAX_SINGLE_VALUES: Final = 16
"""Counts with at most this many distinct values get one bin each."""
MIN_CODE_SHARE: Final = 0.01
"""A diagnosis code with this share of the known values gets its own bin."""
OTHER: Final = "anything else"
_DECILES: Final = tuple(np.linspace(0, 1, 11)[1:-1].tolist())
_LETTERS: Final = {1000.0: "V", 1200.0: "E"}
"""Start of the chapters whose codes begin with a letter; see :func:`ml.features.icd9.order`."""


@dataclass(frozen=True, slots=True)
class Binning:
    """Labels of the bins, and a function from known values to bin numbers, shape ``(n,)``."""

    labels: tuple[str, ...]
    assign: Callable[[pd.Series], NDArray[np.intp]]

    def count(self, values: pd.Series) -> Counts:
        """Number of known values in each bin, shape ``(len(labels),)``."""
        return np.bincount(self.assign(values.dropna()), minlength=len(self.labels)).astype(np.int64)


def feature_binning(column: Column, reference: pd.Series) -> Binning:
    """The binning of a feature by its reference values, NA for unknown."""
    if column.kind is Kind.COUNT:
        return range_binning(reference)
    if column.kind is Kind.ICD9:
        return _diagnosis_binning(reference)
    index, size = pd.Index(column.allowed), len(column.allowed)

    def assign(known: pd.Series) -> NDArray[np.intp]:
        places = index.get_indexer(pd.Index(known.astype("int64" if column.is_number else object)))
        return np.where(places < 0, size, places)

    return Binning((*map(str, column.allowed), OTHER), assign)


def range_binning(reference: pd.Series) -> Binning:
    """One bin per value if there are few values, else bins between the distinct deciles."""
    known = reference.dropna().to_numpy(dtype=np.float64)
    distinct = np.unique(known)
    edges = distinct[:-1] if len(distinct) <= MAX_SINGLE_VALUES else np.unique(np.quantile(known, _DECILES))
    labels: tuple[str, ...] = ("any",)
    if len(edges):
        middle = (f"{high:.4g}" if high - low <= 1 else f"{low + 1:.4g} to {high:.4g}" for low, high in pairwise(edges))
        labels = (f"up to {edges[0]:.4g}", *middle, f"above {edges[-1]:.4g}")
    return Binning(labels, lambda values: np.searchsorted(edges, values.to_numpy(dtype=np.float64), side="left"))


def _diagnosis_binning(reference: pd.Series) -> Binning:
    shares = reference.value_counts(normalize=True)
    frequent = sorted(shares.index[shares >= MIN_CODE_SHARE])

    def bin_of(code: str) -> int:
        if code in frequent:
            return frequent.index(code)
        place = chapter(order(code))
        return len(frequent) + (place if place >= 0 else len(CHAPTERS))

    def assign(known: pd.Series) -> NDArray[np.intp]:
        numbers, codes = pd.factorize(known)
        return np.array([bin_of(str(code)) for code in codes], dtype=np.intp)[numbers]

    return Binning((*frequent, *(f"other {_codes(low, high)}" for low, high in CHAPTERS), OTHER), assign)


def _codes(low: float, high: float) -> str:
    if low in _LETTERS:
        return _LETTERS[low]
    return f"{low:.0f} to {high - 1:.0f}" if high - low > 1 else f"{low:.0f}"
