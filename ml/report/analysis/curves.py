"""The curves of a report, each point with an interval by patient-cluster bootstrap."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.bootstrap import resampled_weights
from ml.evaluation.metrics import CALIBRATION_BINS, Labels, Values, by_risk
from ml.report.findings import Band, Curves, Judged, numbers

GRID: Final = np.linspace(0, 1, 201)
RECALLS: Final = np.linspace(0.01, 1, 100)
"""Below one positive in a hundred, precision is that of a handful of encounters."""
THRESHOLDS: Final = np.linspace(0.05, 0.30, 51)
HISTOGRAM_TOP: Final = 0.6
"""Risks above stand in the last bin of the histogram."""
_BINS: Final = 60
_SEED: Final = 296

Lines = Mapping[str, Values]


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Encounters by falling risk; those of equal risk cross a threshold together."""

    order: NDArray[np.intp]
    labels: Labels  # in this order
    ends: NDArray[np.intp]  # position of the last encounter of each risk
    flagged: NDArray[np.intp]  # for each of THRESHOLDS: how many distinct risks are at or above it

    @classmethod
    def of(cls, labels: Labels, probabilities: Values) -> "_Ranking":
        order = by_risk(probabilities)[::-1]
        risks = probabilities[order]
        ends = np.flatnonzero(np.append(np.diff(risks) != 0, True))
        flagged = np.searchsorted(-risks[ends], -THRESHOLDS, side="right")
        return cls(order, labels[order], ends, flagged)

    def lines(self, weights: Values) -> dict[str, Values]:
        """Each curve on its grid, for rows that count as often as the weights say, in the order of the table."""
        drawn = weights[self.order]
        found = np.append(0.0, np.cumsum(drawn * self.labels)[self.ends])
        rows = np.append(0.0, np.cumsum(drawn)[self.ends])
        missed = rows - found
        at = np.minimum(np.searchsorted(found, RECALLS * found[-1]), len(found) - 1)
        odds = THRESHOLDS / (1 - THRESHOLDS)
        return {
            "roc": np.interp(GRID, missed / missed[-1], found / found[-1]),
            "precision_recall": found[at] / np.maximum(rows[at], 1.0),
            "gains": np.interp(GRID, rows / rows[-1], found / found[-1]),
            "benefit": (found[self.flagged] - odds * missed[self.flagged]) / rows[-1],
        }


def curves(judged: Judged, samples: int) -> Curves:
    """Every curve of the report.

    Args:
        judged: with at least one positive and one negative encounter.
        samples: bootstrap replicates.
    """
    ones = np.ones(len(judged.labels))
    ranking = _Ranking.of(judged.labels, judged.probabilities)
    tenth = _tenths(judged.probabilities)
    predicted = _per_bin(tenth, judged.probabilities, ones)

    def all_lines(weights: Values) -> Lines:
        return {**ranking.lines(weights), "calibration": _per_bin(tenth, judged.labels.astype(np.float64), weights)}

    draws = [all_lines(weights) for weights in resampled_weights(judged.patients, samples, _SEED)]
    grids = {
        "roc": GRID,
        "precision_recall": RECALLS,
        "gains": GRID,
        "benefit": THRESHOLDS,
        "calibration": predicted,
    }
    bands = {name: _band(grids[name], line, [draw[name] for draw in draws]) for name, line in all_lines(ones).items()}
    reference = _Ranking.of(judged.labels, judged.reference).lines(ones)
    prevalence = float(judged.labels.mean())
    shown = np.minimum(judged.probabilities, np.nextafter(HISTOGRAM_TOP, 0))
    edges = np.linspace(0, HISTOGRAM_TOP, _BINS + 1)
    return Curves(
        **bands,
        reference_roc=numbers(reference["roc"]),
        reference_gains=numbers(reference["gains"]),
        reference_benefit=numbers(reference["benefit"]),
        treat_all=numbers(prevalence - (1 - prevalence) * THRESHOLDS / (1 - THRESHOLDS)),
        edges=numbers(edges),
        returned=_counts(shown[judged.labels == 1], edges),
        stayed_out=_counts(shown[judged.labels == 0], edges),
        quartiles=numbers(np.quantile(judged.probabilities, [0.25, 0.5, 0.75])),
    )


def _band(grid: Values, line: Values, draws: list[Values]) -> Band:
    low, high = np.quantile(np.array(draws), [0.025, 0.975], axis=0)
    return Band(numbers(grid), numbers(line), numbers(low), numbers(high))


def _tenths(probabilities: Values) -> NDArray[np.intp]:
    """For each row, which of the equally filled bins of the calibration error it is in."""
    places = np.empty(len(probabilities), dtype=np.intp)
    places[by_risk(probabilities)] = np.arange(len(probabilities))
    return places * CALIBRATION_BINS // len(probabilities)


def _per_bin(bins: NDArray[np.intp], values: Values, weights: Values) -> Values:
    total = np.bincount(bins, weights, CALIBRATION_BINS)
    means: Values = np.bincount(bins, weights * values, CALIBRATION_BINS) / np.maximum(total, 1.0)
    return means


def _counts(risks: Values, edges: Values) -> tuple[int, ...]:
    return tuple(int(count) for count in np.histogram(risks, edges)[0])
