"""Curves of a report, each point with an interval by patient-cluster bootstrap."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.bootstrap import resampled_weights
from ml.evaluation.metrics import CALIBRATION_BINS, Labels, Values, by_risk
from ml.report.analysis.scored_test_set import SEED, ScoredTestSet
from ml.report.findings import Band, Curves, Numbers

GRID: Final = np.linspace(0, 1, 201)
RECALLS: Final = np.linspace(0.01, 1, 100)
"""Below a recall of 1 %, precision depends on a handful of encounters."""
THRESHOLDS: Final = np.linspace(0.05, 0.30, 51)
_HISTOGRAM_EDGES: Final = np.linspace(0, 0.6, 61)
"""The last bin includes higher risks."""


def _ranking_curves(labels: Labels, probabilities: Values) -> Callable[[Values], dict[str, Values]]:
    """Function from row weights to each curve on its grid; encounters of equal risk cross a threshold together."""
    order = by_risk(probabilities)[::-1]
    risks = probabilities[order]
    ends = np.flatnonzero(np.append(np.diff(risks) != 0, True))  # last encounter of each distinct risk
    flagged = np.searchsorted(-risks[ends], -THRESHOLDS, side="right")  # distinct risks at or above each threshold
    odds = THRESHOLDS / (1 - THRESHOLDS)

    def lines(weights: Values) -> dict[str, Values]:
        drawn = weights[order]
        positives = np.append(0.0, np.cumsum(drawn * labels[order])[ends])
        rows = np.append(0.0, np.cumsum(drawn)[ends])
        negatives = rows - positives
        at = np.minimum(np.searchsorted(positives, RECALLS * positives[-1]), len(positives) - 1)
        return {
            "roc": np.interp(GRID, negatives / negatives[-1], positives / positives[-1]),
            "precision_recall": positives[at] / np.maximum(rows[at], 1.0),
            "gains": np.interp(GRID, rows / rows[-1], positives / positives[-1]),
            "benefit": (positives[flagged] - odds * negatives[flagged]) / rows[-1],
        }

    return lines


def curves(scored: ScoredTestSet, samples: int) -> Curves:
    """Compute every curve of the report; needs both outcomes, ``samples`` is the number of bootstrap replicates."""
    labels, ones = scored.labels, np.ones(len(scored.labels))
    ranking_curves = _ranking_curves(labels, scored.probabilities)
    decile = _deciles(scored.probabilities)

    def lines(weights: Values) -> dict[str, Values]:
        return {**ranking_curves(weights), "calibration": _mean_by_bin(decile, labels.astype(np.float64), weights)}

    grids = {
        "roc": GRID,
        "precision_recall": RECALLS,
        "gains": GRID,
        "benefit": THRESHOLDS,
        "calibration": _mean_by_bin(decile, scored.probabilities, ones),
    }
    draws = [lines(weights) for weights in resampled_weights(scored.patients, samples, SEED)]
    bands = {name: _band(grids[name], line, [draw[name] for draw in draws]) for name, line in lines(ones).items()}
    reference = _ranking_curves(labels, scored.reference)(ones)
    prevalence = float(labels.mean())
    clipped = np.minimum(scored.probabilities, np.nextafter(_HISTOGRAM_EDGES[-1], 0))
    return Curves(
        **bands,
        reference_roc=_numbers(reference["roc"]),
        reference_gains=_numbers(reference["gains"]),
        reference_benefit=_numbers(reference["benefit"]),
        treat_all=_numbers(prevalence - (1 - prevalence) * THRESHOLDS / (1 - THRESHOLDS)),
        edges=_numbers(_HISTOGRAM_EDGES),
        returned=_histogram(clipped[labels == 1]),
        stayed_out=_histogram(clipped[labels == 0]),
        quartiles=_numbers(np.quantile(scored.probabilities, [0.25, 0.5, 0.75])),
    )


def _band(grid: Values, line: Values, draws: list[Values]) -> Band:
    low, high = np.quantile(np.array(draws), [0.025, 0.975], axis=0)
    return Band(*map(_numbers, (grid, line, low, high)))


def _deciles(probabilities: Values) -> NDArray[np.intp]:
    """Number of the equally filled bin of each row, as in the calibration error."""
    places = np.empty(len(probabilities), dtype=np.intp)
    places[by_risk(probabilities)] = np.arange(len(probabilities))
    return places * CALIBRATION_BINS // len(probabilities)


def _mean_by_bin(bins: NDArray[np.intp], values: Values, weights: Values) -> Values:
    total = np.bincount(bins, weights, CALIBRATION_BINS)
    means: Values = np.bincount(bins, weights * values, CALIBRATION_BINS) / np.maximum(total, 1.0)
    return means


def _histogram(risks: Values) -> tuple[int, ...]:
    return tuple(int(count) for count in np.histogram(risks, _HISTOGRAM_EDGES)[0])


def _numbers(values: Values) -> Numbers:
    return tuple(round(float(value), 6) for value in values)
