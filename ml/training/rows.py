"""Encoded training rows, made and read in parts, so that memory does not depend on the number of encounters.

One model predicts from complete and from incomplete records, so the rows are augmented: once with history removed, and
some times with random fields masked. The encoded rates of a row come from patients of other folds (cross-fitting by
patient), so that no row uses its own outcome.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from ml.features.encoder import Encoder, feature_names
from ml.features.masking import Mask, apply_mask, random_mask
from ml.features.rates import Counts, Labels, Matrix, Rates
from ml.features.tables import Inputs, model_inputs, patients, target
from ml.schema import INPUTS, Group

SEED: Final = 296
FOLDS: Final = 5
PART_ROWS: Final = 100_000
"""Approximate number of encounters in a part; the genuine data set is one part."""
FEW_ROWS: Final = 1_000_000
"""Up to so many encounters, each one is in the rows as often as there are variants. With more encounters each one is in
the rows once, as one of the variants."""

_HISTORY: Final = np.array([column.group is Group.HISTORY for column in INPUTS])


@dataclass(frozen=True, slots=True)
class Augmentation:
    """``masked`` copies of the training rows with random fields masked, of this weight; an unmasked row has 1."""

    masked: int
    weight: float


@dataclass(frozen=True, slots=True)
class Part:
    """Encoded rows of some patients; labels and weights have shape ``(rows,)``."""

    matrix: Matrix
    labels: Labels
    weights: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """The encoder, and the rows that it encoded, in files.

    ``prevalence`` is the share of encounters with a readmission; ``folder`` holds a file for each part, and one for the
    offsets.
    """

    encoder: Encoder
    prevalence: float
    folder: Path
    parts: int

    def part(self, number: int) -> Part:
        """Read the part of a number from 0."""
        with np.load(self.folder / f"{number}.npz") as arrays:
            return Part(**arrays)

    def size(self, number: int) -> int:
        """Size of a part's file in bytes."""
        return (self.folder / f"{number}.npz").stat().st_size

    def for_offsets(self) -> tuple[Matrix, Matrix]:
        """Rows of the first part for :mod:`ml.training.offsets`: complete, and with a mask that no other row has."""
        with np.load(self.folder / "offsets.npz") as arrays:
            return arrays["complete"], arrays["masked"]


@contextmanager
def training_rows(table: pd.DataFrame, augmentation: Augmentation) -> Iterator[TrainingRows]:
    """Fit an encoder to training encounters with history, and encode them; the files are deleted at the end."""
    parts, labels = _parts(patients(table)), target(table)
    encoder, fold = Encoder(), _folds(labels, patients(table))
    encoder.fit_codes(model_inputs(table.iloc[rows]) for rows in parts)
    rates = _fit_rates(encoder, table, parts, fold)
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        for number, rows in enumerate(parts):
            inputs, crossed = model_inputs(table.iloc[rows]), _Crossed(encoder, rates, fold[rows])
            variants, weights = _variants(inputs, augmentation, number, len(table) <= FEW_ROWS)
            np.savez(
                Path(folder, f"{number}.npz"),
                matrix=np.concatenate([crossed.transform(variant) for variant in variants]),
                labels=np.tile(labels[rows], len(variants)),
                weights=np.repeat(weights, len(rows)),
            )
            if number == 0:
                masked = apply_mask(inputs, random_mask(len(rows), SEED - 1))
                np.savez(
                    Path(folder, "offsets.npz"), complete=crossed.transform(inputs), masked=crossed.transform(masked)
                )
        yield TrainingRows(encoder, float(labels.mean()), Path(folder), len(parts))


def _parts(groups: Labels) -> list[NDArray[np.intp]]:
    """Positions of the rows of each part; the patients are dealt out at random."""
    count = -(-len(groups) // PART_ROWS)
    numbers, patient = np.unique(groups, return_inverse=True)
    part = (np.random.default_rng(SEED).permutation(len(numbers)) % count)[patient]
    return [np.flatnonzero(part == number) for number in range(count)]


def _folds(labels: Labels, groups: Labels) -> NDArray[np.int8]:
    """Number of the fold of each row; all rows of a patient are in one."""
    fold = np.empty(len(labels), dtype=np.int8)
    for number, (_, rows) in enumerate(GroupKFold(FOLDS, shuffle=True, random_state=SEED).split(labels, groups=groups)):
        fold[rows] = number
    return fold


def _fit_rates(
    encoder: Encoder, table: pd.DataFrame, parts: list[NDArray[np.intp]], fold: NDArray[np.int8]
) -> list[Rates]:
    """Fit the rates of the encoder, and return for each fold those of the patients outside it."""

    def count(rows: NDArray[np.intp]) -> list[Counts]:
        inputs, labels = model_inputs(table.iloc[rows]), target(table.iloc[rows])
        members = [fold[rows] == number for number in range(FOLDS)]
        return [encoder.count(inputs.rows(inside), labels[inside]) for inside in members]

    by_fold = reduce(lambda sums, further: list(map(add, sums, further)), map(count, parts))
    total = reduce(add, by_fold)
    encoder.rates = total.rates(encoder.category_of)
    return [(total - of_fold).rates(encoder.category_of) for of_fold in by_fold]


@dataclass(frozen=True, slots=True)
class _Crossed:
    """Encodes rows with the rates of patients outside their fold."""

    encoder: Encoder
    rates: list[Rates]
    fold: NDArray[np.int8]

    def transform(self, inputs: Inputs) -> Matrix:
        matrix = np.empty((len(inputs), len(feature_names())), dtype=np.float32)
        for number, rates in enumerate(self.rates):
            rows = self.fold == number
            matrix[rows] = self.encoder.transform(inputs.rows(rows), rates)
        return matrix


def _variants(
    inputs: Inputs, augmentation: Augmentation, part: int, each: bool
) -> tuple[list[Inputs], NDArray[np.float64]]:
    """The variants of a part and the weight of each; one mixed variant unless ``each`` encounter is in all of them."""
    without_history = np.broadcast_to(_HISTORY, (len(inputs), len(INPUTS)))
    if each:
        seeds = [SEED + copy + part * augmentation.masked for copy in range(augmentation.masked)]
        masks: list[Mask] = [without_history, *(random_mask(len(inputs), seed) for seed in seeds)]
        weights = np.array([1.0, 1.0, *[augmentation.weight] * augmentation.masked])
        return [inputs, *(apply_mask(inputs, mask) for mask in masks)], weights
    shares = np.array([1, 1, augmentation.masked * augmentation.weight])
    kind = np.random.default_rng([SEED, part]).choice(3, len(inputs), p=shares / shares.sum())[:, np.newaxis]
    drawn = random_mask(len(inputs), SEED + part)
    mask = np.where(kind == 0, False, np.where(kind == 1, without_history, drawn))
    return [apply_mask(inputs, mask)], np.array([1.0])
