"""Masks inputs: sets fields to unknown, for augmentation and for evaluation of incomplete records."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.core.bundle import NUMBERS, TEXTS
from ml.features.tables import Inputs
from ml.schema import FEATURE_NAMES, FEATURES, INPUTS, UNKNOWN, Group

Mask = NDArray[np.bool_]
"""True where a value becomes unknown; shape ``(rows, len(INPUTS))``."""


def apply_mask(inputs: Inputs, mask: Mask) -> Inputs:
    """Set the masked values to unknown."""
    position = {column.name: number for number, column in enumerate(INPUTS)}
    texts = np.where(mask[:, [position[name] for name in TEXTS]], UNKNOWN, inputs.texts)
    numbers = np.where(mask[:, [position[name] for name in NUMBERS]], np.float32(np.nan), inputs.numbers)
    return Inputs(texts, numbers)


def random_mask(rows: int, seed: int) -> Mask:
    """Draw a mask for augmentation.

    One third of the rows masks each feature with a probability drawn uniformly from 0 to 1, one third each group of the
    form with probability one half, one third exactly one group. The history is masked as a whole with probability one
    half.
    """
    generator = np.random.default_rng(seed)
    groups = list(dict.fromkeys(column.group for column in FEATURES))
    member = np.array([[column.group is group for column in INPUTS] for group in groups])
    by_field = generator.random((rows, len(INPUTS))) < generator.random((rows, 1))
    some_groups = (generator.random((rows, len(groups))) < 0.5) @ member
    one_group = member[generator.integers(0, len(groups), rows)]
    kind = generator.integers(0, 3, (rows, 1))
    mask: Mask = np.where(kind == 0, by_field, np.where(kind == 1, some_groups, one_group))
    history = [position for position, column in enumerate(INPUTS) if column.group is Group.HISTORY]
    mask[:, history] = generator.random((rows, 1)) < 0.5
    return mask


def mask_fields(table: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Mask each feature independently with this probability, and the whole history."""
    mask = np.random.default_rng(seed).random((len(table), len(FEATURES))) < share
    masked = {name: table[name].mask(mask[:, position]) for position, name in enumerate(FEATURE_NAMES)}
    return keep_only(table.assign(**masked), FEATURE_NAMES)


def keep_only(table: pd.DataFrame, names: Collection[str]) -> pd.DataFrame:
    """Mask all inputs but these."""
    return table.assign(**{c.name: table[c.name].mask(table[c.name].notna()) for c in INPUTS if c.name not in names})


def mask_groups(table: pd.DataFrame, groups: Collection[Group]) -> pd.DataFrame:
    """Mask whole groups of the form, and the history."""
    return keep_only(table, [column.name for column in FEATURES if column.group not in groups])
