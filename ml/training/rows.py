"""Encoded training rows, made part by part, so that memory does not depend on the number of encounters.

One model predicts from complete and from incomplete records, so the rows are augmented: once with history removed, and
some times with random fields masked. The encoded rates of a row come from patients of other folds (cross-fitting by
patient), so that no row uses its own outcome.
"""

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from ml.compute.workers import THIS_PROCESS, Workers
from ml.features.encoder import Encoder, diagnoses_in, feature_names
from ml.features.masking import Mask, apply_mask, random_mask
from ml.features.rates import Counts, Labels, Matrix, Rates
from ml.features.tables import Inputs, Parts, model_inputs, patients, target
from ml.schema import INPUTS, Group

SEED: Final = 296
FOLDS: Final = 5
FEW_PARTS: Final = 10
"""Up to so many parts, each encounter is in the rows as often as there are variants. With more parts it is in the rows
once, as one of the variants."""

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
    """Training encounters in parts, and what encodes them.

    ``rates`` are, for each fold, those of the patients outside it; ``encounters`` is the number of all of them, and
    ``prevalence`` the share of those with a readmission.
    """

    parts: Parts
    augmentation: Augmentation
    encoder: Encoder
    rates: list[Rates]
    encounters: int
    prevalence: float

    def part(self, number: int) -> Part:
        """Read and encode the part of a number from 0."""
        inputs, labels, crossed = self._read(number)
        variants, weights = _variants(inputs, self.augmentation, number, self._is_each_in_all_variants)
        return Part(
            np.concatenate([crossed.transform(variant) for variant in variants]),
            np.tile(labels, len(variants)),
            np.repeat(weights, len(labels)),
        )

    @property
    def bytes_of_part(self) -> int:
        """Approximate size of an encoded part."""
        variants = 2 + self.augmentation.masked if self._is_each_in_all_variants else 1
        return variants * self.encounters // len(self.parts) * len(feature_names()) * np.dtype(np.float32).itemsize

    def for_offsets(self) -> tuple[Matrix, Matrix]:
        """Rows of the first part for :mod:`ml.training.offsets`: complete, and with a mask that no other row has."""
        inputs, labels, crossed = self._read(0)
        masked = apply_mask(inputs, random_mask(len(labels), SEED - 1))
        return crossed.transform(inputs), crossed.transform(masked)

    @property
    def _is_each_in_all_variants(self) -> bool:
        return len(self.parts) <= FEW_PARTS

    def _read(self, number: int) -> tuple[Inputs, Labels, "_Crossed"]:
        table = self.parts[number]
        return model_inputs(table), target(table), _Crossed(self.encoder, self.rates, _folds(table))


def training_rows(parts: Parts, augmentation: Augmentation, workers: Workers = THIS_PROCESS) -> TrainingRows:
    """Fit an encoder to training encounters."""
    encoder, numbers = Encoder(), range(len(parts))
    encoder.fit_codes(set().union(*workers.map(_codes, parts, numbers)))
    counts = workers.map(_count, (encoder, parts), numbers)
    by_fold = reduce(lambda sums, further: list(map(add, sums, further)), counts)
    total = reduce(add, by_fold)
    encoder.rates = total.rates(encoder.category_of)
    rates = [(total - of_fold).rates(encoder.category_of) for of_fold in by_fold]
    encounters, readmissions = map(int, total.overall)
    return TrainingRows(parts, augmentation, encoder, rates, encounters, readmissions / encounters)


def _codes(parts: Parts, number: int) -> set[str]:
    return diagnoses_in(model_inputs(parts[number]))


def _count(encoder_and_parts: tuple[Encoder, Parts], number: int) -> list[Counts]:
    """Counts of each fold of a part."""
    encoder, parts = encoder_and_parts
    table = parts[number]
    inputs, labels, fold = model_inputs(table), target(table), _folds(table)
    members = [fold == of_fold for of_fold in range(FOLDS)]
    return [encoder.count(inputs.rows(inside), labels[inside]) for inside in members]


def _folds(table: pd.DataFrame) -> NDArray[np.int8]:
    """Number of the fold of each row; all rows of a patient are in one."""
    fold = np.empty(len(table), dtype=np.int8)
    folds = GroupKFold(FOLDS, shuffle=True, random_state=SEED).split(table, groups=patients(table))
    for number, (_, rows) in enumerate(folds):
        fold[rows] = number
    return fold


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
