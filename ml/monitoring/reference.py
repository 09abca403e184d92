"""What a window is compared with: the training data for values, and the model's answers for test patients for scores.

A model answers differently when it is told less. So the answers to compare with are for test patients of whom it is
told just the fields that the records of the window give: who leaves fields out moves the tests of known fields, and
no other.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.core.bundle import NUMBERS, TEXTS, TOLERANCE, Bundle
from ml.features.masking import apply_mask
from ml.features.tables import Inputs, model_inputs, patients
from ml.monitoring.binning import Binning, binning_of, count, ranges_of
from ml.monitoring.drift import Comparison, Kind, independence
from ml.monitoring.window import Window
from ml.schema import FEATURE_NAMES, FEATURES, INPUTS, UNKNOWN

SCORE: Final = "probability"
"""The feature that the comparison of answers is named by."""

_PER_RECORD: Final = 10
_MOST_ANSWERS: Final = 20_000
"""Answers to compare with, for each record of the window and in all; but two for each record at the least."""
_ENOUGH: Final = 20
"""So many test encounters that know just the same fields stand for a record by themselves."""
_PLACES: Final = 1 << np.arange(len(FEATURES), dtype=np.int64)
_SEED: Final = 296


class ValueReference:
    """How the training data fill the bins of each feature."""

    def __init__(self, train: pd.DataFrame) -> None:
        self._rows = len(train)
        self._weight = independence(patients(train))
        self._binnings: dict[str, Binning] = {c.name: binning_of(c, train[c.name]) for c in FEATURES}
        self._counts = {name: count(binning, train[name]) for name, binning in self._binnings.items()}

    def compare(self, window: Window) -> Iterator[Comparison]:
        """The values of each feature, and how often it is known."""
        weights = (independence(window.patients), self._weight)
        for name, binning in self._binnings.items():
            found, expected = count(binning, window.table[name]), self._counts[name]
            yield Comparison(Kind.VALUE, name, binning.labels, found, expected, *weights)
            known, known_there = (
                np.array([counts.sum(), rows - counts.sum()])
                for counts, rows in ((found, len(window)), (expected, self._rows))
            )
            yield Comparison(Kind.KNOWN, name, ("given", "not given"), known, known_there, *weights)


class ScoreReference:
    """What a model says of test patients, told no more of them than of the records of a window.

    Args:
        bundle: the model.
        test: encounters of the test patients, with their history.
    """

    def __init__(self, bundle: Bundle, test: pd.DataFrame) -> None:
        self._bundle = bundle
        self._test = model_inputs(test)
        self._known = _known_fields(self._test)
        self._strangers = len(test) * independence(patients(test))

    def compare(self, window: Window) -> Comparison:
        """The answers logged in a window, all of this model, beside those for test patients; by tenths of the latter.

        A record that knows what is known together of no test encounter is left out.
        """
        inputs = model_inputs(window.table)
        records, encounters = self._counterparts(_known_fields(inputs))
        if not len(records):
            return Comparison.of_too_few(Kind.SCORE, SCORE, 0)
        # The log does not say whether earlier stays were known; but without them this model answers just this.
        alone = self._answers(inputs)
        past_is_known = np.abs(alone - window.probabilities) > TOLERANCE
        told = apply_mask(self._test.rows(encounters), _hidden(inputs.rows(records), past_is_known[records]))
        expected = pd.Series(self._answers(told))
        binning = ranges_of(expected)
        used = window.rows(np.unique(records))
        found = count(binning, pd.Series(used.probabilities))
        # Answers drawn from the test patients err by the draw, and by who the test patients happen to be.
        weights = (independence(used.patients), 1 / (1 + len(expected) / self._strangers))
        return Comparison(Kind.SCORE, SCORE, binning.labels, found, count(binning, expected), *weights)

    def _answers(self, inputs: Inputs) -> NDArray[np.float64]:
        return self._bundle.run({"texts": inputs.texts, "numbers": inputs.numbers}).astype(np.float64)

    def _counterparts(self, known: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Places of records in the window, each several times, and of test encounters that stand for them."""
        each = max(2, min(_PER_RECORD, _MOST_ANSWERS // max(len(known), 1)))
        generator = np.random.default_rng(_SEED)
        records: list[NDArray[np.intp]] = [np.empty(0, np.intp)]
        encounters: list[NDArray[np.intp]] = [np.empty(0, np.intp)]
        patterns, pattern_of = np.unique(known, return_inverse=True)
        for number, pattern in enumerate(patterns):
            able = self._able(int(pattern))
            if len(able):
                alike = np.repeat(np.flatnonzero(pattern_of == number), each)
                records.append(alike)
                encounters.append(generator.choice(able, len(alike)))
        return np.concatenate(records), np.concatenate(encounters)

    def _able(self, pattern: int) -> NDArray[np.intp]:
        """Test encounters that know just these fields; where they are too few, those that know at least these.

        Why a field is unknown may go with the risk, so those to whom it happened by itself come first.
        """
        same = np.flatnonzero(self._known == pattern)
        return same if len(same) >= _ENOUGH else np.flatnonzero((self._known & pattern) == pattern)


def _known_fields(inputs: Inputs) -> NDArray[np.int64]:
    """The known ones of the 47 features as the bits of a number, shape ``(rows,)``."""
    by_name = {name: inputs.texts[:, place] != UNKNOWN for place, name in enumerate(TEXTS)}
    by_name |= {name: ~np.isnan(inputs.numbers[:, place]) for place, name in enumerate(NUMBERS)}
    known: NDArray[np.int64] = np.stack([by_name[name] for name in FEATURE_NAMES], axis=1).astype(np.int64) @ _PLACES
    return known


def _hidden(inputs: Inputs, past_is_known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What the model is not told, in the order of :data:`ml.schema.INPUTS`: what these inputs do not know."""
    unknown = (_known_fields(inputs)[:, np.newaxis] & _PLACES) == 0
    past = np.repeat(~past_is_known[:, np.newaxis], len(INPUTS) - len(FEATURES), axis=1)
    return np.concatenate([unknown, past], axis=1)
