"""Records that tell less: the same encounters with fields made unknown, for training and for measuring."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.core.bundle import NUMBERS, TEXTS
from ml.features.tables import Inputs
from ml.schema import FEATURE_NAMES, FEATURES, INPUTS, UNKNOWN, Group

Mask = NDArray[np.bool_]
"""True where a value is made unknown; shape ``(rows, len(INPUTS))``."""


def apply_mask(inputs: Inputs, hidden: Mask) -> Inputs:
    """The inputs with some values unknown."""
    place = {column.name: position for position, column in enumerate(INPUTS)}
    texts = np.where(hidden[:, [place[name] for name in TEXTS]], UNKNOWN, inputs.texts)
    numbers = np.where(hidden[:, [place[name] for name in NUMBERS]], np.float32(np.nan), inputs.numbers)
    return Inputs(texts, numbers)


def random_mask(rows: int, seed: int) -> Mask:
    """What a model practises on: rows that lack some fields, some groups of the form, or one group.

    A third of the rows hides each feature with a share drawn evenly from 0 to 1, a third each group of the form with
    one half, a third exactly one group, as when a department does not answer. Earlier stays are hidden as a whole, in
    one half of all rows.
    """
    generator = np.random.default_rng(seed)
    groups = list(dict.fromkeys(column.group for column in FEATURES))
    member = np.array([[column.group is group for column in INPUTS] for group in groups])
    by_field = generator.random((rows, len(INPUTS))) < generator.random((rows, 1))
    some_groups = (generator.random((rows, len(groups))) < 0.5) @ member
    one_group = member[generator.integers(0, len(groups), rows)]
    way = generator.integers(0, 3, (rows, 1))
    hidden: Mask = np.where(way == 0, by_field, np.where(way == 1, some_groups, one_group))
    history = [position for position, column in enumerate(INPUTS) if column.group is Group.HISTORY]
    hidden[:, history] = generator.random((rows, 1)) < 0.5
    return hidden


def mask_fields(table: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Each of the 47 features unknown with this probability, independently; earlier stays unknown."""
    hidden = np.random.default_rng(seed).random((len(table), len(FEATURES))) < share
    masked = {name: table[name].mask(hidden[:, position]) for position, name in enumerate(FEATURE_NAMES)}
    return keep_only(table.assign(**masked), FEATURE_NAMES)


def keep_only(table: pd.DataFrame, names: Collection[str]) -> pd.DataFrame:
    """Only these inputs known."""
    return table.assign(**{c.name: table[c.name].mask(table[c.name].notna()) for c in INPUTS if c.name not in names})


def mask_groups(table: pd.DataFrame, groups: Collection[Group]) -> pd.DataFrame:
    """Whole groups of the form unknown, and earlier stays with them."""
    return keep_only(table, [column.name for column in FEATURES if column.group not in groups])
