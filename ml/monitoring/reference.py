"""References for drift tests: training data for feature values, predictions for test patients for scores.

Predictions depend on which fields are known. The score reference therefore predicts for test patients with the same
fields known as in the window, so that missing fields only affect the tests of known fields.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.core.bundle import NUMBERS, TEXTS, TOLERANCE, Bundle
from ml.core.sandbox.process import Sandbox
from ml.features.masking import apply_mask
from ml.features.tables import Inputs, model_inputs, patients
from ml.monitoring.binning import feature_binning, range_binning
from ml.monitoring.drift import Comparison, Kind, effective_share
from ml.monitoring.window import Window
from ml.schema import FEATURE_NAMES, FEATURES, INPUTS, UNKNOWN

SCORE: Final = "probability"

_MATCHES_PER_RECORD: Final = 10
_MAX_MATCHES: Final = 20_000
"""Matched test encounters in all; at least two for each record."""
_MIN_SAME_PATTERN: Final = 20
"""With fewer test encounters of the same pattern of known fields, those that know more fields are matched too."""
_BITS: Final = 1 << np.arange(len(FEATURES), dtype=np.int64)
_SEED: Final = 296


class ValueReference:
    """Binned training data of each feature."""

    def __init__(self, train: pd.DataFrame) -> None:
        self._rows = len(train)
        self._weight = effective_share(patients(train))
        self._binnings = {c.name: feature_binning(c, train[c.name]) for c in FEATURES}
        self._counts = {name: binning.count(train[name]) for name, binning in self._binnings.items()}

    def compare(self, window: Window) -> Iterator[Comparison]:
        """Compare the values of each feature, and how often it is known."""
        weights = (effective_share(window.patients), self._weight)
        for name, binning in self._binnings.items():
            observed, expected = binning.count(window.table[name]), self._counts[name]
            yield Comparison(Kind.VALUE, name, binning.labels, observed, expected, *weights)
            known, expected_known = (
                np.array([counts.sum(), rows - counts.sum()])
                for counts, rows in ((observed, len(window)), (expected, self._rows))
            )
            yield Comparison(Kind.KNOWN, name, ("given", "not given"), known, expected_known, *weights)


class ScoreReference:
    """Predictions of a model for test patients, with their history, masked like the records of a window."""

    def __init__(self, bundle: Bundle | Sandbox, test: pd.DataFrame) -> None:
        self._bundle = bundle
        self._test = model_inputs(test)
        self._known = _known_fields(self._test)
        self._effective_size = len(test) * effective_share(patients(test))

    def compare(self, window: Window) -> Comparison:
        """Compare the scores of a window, all by this model, with matched test patients, in deciles of the latter.

        Records without a matching test encounter are left out.
        """
        inputs = model_inputs(window.table)
        records, encounters = self._match(_known_fields(inputs))
        if not len(records):
            return Comparison.untestable(Kind.SCORE, SCORE, 0)
        # The log does not record whether the history was known; it was not if the model has the same score without it.
        history_known = np.abs(self._predict(inputs) - window.probabilities) > TOLERANCE
        masked = apply_mask(self._test.rows(encounters), _unknown(inputs.rows(records), history_known[records]))
        expected = pd.Series(self._predict(masked))
        binning = range_binning(expected)
        matched = window.rows(np.unique(records))
        observed = binning.count(pd.Series(matched.probabilities))
        # The reference has two sampling errors: the drawn matches, and the choice of the test patients.
        weights = (effective_share(matched.patients), 1 / (1 + len(expected) / self._effective_size))
        return Comparison(Kind.SCORE, SCORE, binning.labels, observed, binning.count(expected), *weights)

    def _predict(self, inputs: Inputs) -> NDArray[np.float64]:
        return self._bundle.run({"texts": inputs.texts, "numbers": inputs.numbers}).astype(np.float64)

    def _match(self, known: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Positions of records, each several times, and of the test encounters matched to them."""
        each = max(2, min(_MATCHES_PER_RECORD, _MAX_MATCHES // max(len(known), 1)))
        generator = np.random.default_rng(_SEED)
        records: list[NDArray[np.intp]] = [np.empty(0, np.intp)]
        encounters: list[NDArray[np.intp]] = [np.empty(0, np.intp)]
        patterns, pattern_of = np.unique(known, return_inverse=True)
        for number, pattern in enumerate(patterns):
            candidates = self._candidates(int(pattern))
            if len(candidates):
                same_pattern = np.repeat(np.flatnonzero(pattern_of == number), each)
                records.append(same_pattern)
                encounters.append(generator.choice(candidates, len(same_pattern)))
        return np.concatenate(records), np.concatenate(encounters)

    def _candidates(self, pattern: int) -> NDArray[np.intp]:
        """Test encounters with exactly this pattern of known fields, else with at least these fields known.

        Missingness can depend on the risk, so encounters with the same pattern are preferred to masked ones.
        """
        same = np.flatnonzero(self._known == pattern)
        return same if len(same) >= _MIN_SAME_PATTERN else np.flatnonzero((self._known & pattern) == pattern)


def _known_fields(inputs: Inputs) -> NDArray[np.int64]:
    """Bit pattern of the known ones of the 47 features, shape ``(rows,)``."""
    by_name = {name: inputs.texts[:, place] != UNKNOWN for place, name in enumerate(TEXTS)}
    by_name |= {name: ~np.isnan(inputs.numbers[:, place]) for place, name in enumerate(NUMBERS)}
    known: NDArray[np.int64] = np.stack([by_name[name] for name in FEATURE_NAMES], axis=1).astype(np.int64) @ _BITS
    return known


def _unknown(inputs: Inputs, history_known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mask of the unknown inputs in the order of :data:`ml.schema.INPUTS`, shape ``(rows, len(INPUTS))``."""
    features = (_known_fields(inputs)[:, np.newaxis] & _BITS) == 0
    history = np.repeat(~history_known[:, np.newaxis], len(INPUTS) - len(FEATURES), axis=1)
    return np.concatenate([features, history], axis=1)
