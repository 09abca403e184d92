"""Figures of merit of probabilities, each a function of (labels, probabilities, weights of the rows).

A weight counts like a repeated row. Everything works on the rows in the order of risk, and sorting what is sorted
already costs next to nothing: who resamples rows sorts them once. A figure that cannot be had, such as the AUROC
of rows that are all positive, is NaN.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Labels = NDArray[np.int64]
Metric = Callable[[Labels, Values, Values | None], float]

CALIBRATION_BINS: Final = 10
TOP_SHARES: Final = (0.05, 0.10, 0.20)
"""Capacities to follow patients up: the shares of encounters with the highest risk."""

_CERTAIN: Final = 1e-7
"""Probabilities nearer to 0 or 1 are taken for this near, so that their logit is finite."""
_NEWTON_STEPS: Final = 50
_SINGULAR: Final = 1e-12


def auroc(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Area under the ROC curve: the chance that a positive row has a higher risk than a negative one."""
    found, rows = _ranked(labels, probabilities, sample_weight)
    missed = rows - found
    if not found[-1] or not missed[-1]:
        return float("nan")
    return float(np.trapezoid(found, missed) / (found[-1] * missed[-1]))


def average_precision(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Mean precision over the recall that each threshold adds; by chance it is the prevalence."""
    found, rows = _ranked(labels, probabilities, sample_weight)
    if not found[-1]:
        return float("nan")
    precision = np.divide(found[1:], rows[1:], out=np.zeros(len(rows) - 1), where=rows[1:] > 0)
    return float(np.sum(np.diff(found) * precision) / found[-1])


def brier(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Mean squared difference between probability and outcome."""
    return float(np.average((probabilities - labels) ** 2, weights=sample_weight))


def scaled_brier(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Share of the Brier score of always saying the prevalence of the same rows that is saved; 1 is perfect."""
    prevalence = float(np.average(labels, weights=sample_weight))
    if prevalence in (0.0, 1.0):
        return float("nan")
    return 1 - brier(labels, probabilities, sample_weight) / (prevalence * (1 - prevalence))


def calibration_error(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Expected calibration error: mean gap between promised and observed risk over equally filled bins.

    Rows of equal risk that more than one bin needs are spread over them evenly, so their order is of no consequence.
    """
    order = by_risk(probabilities)
    weights = np.ones(len(labels)) if sample_weight is None else sample_weight[order]
    ends = _ends_of_ties(probabilities[order])
    excess = np.append(0.0, np.cumsum(weights * (labels - probabilities)[order])[ends])
    filled = np.append(0.0, np.cumsum(weights)[ends])
    gaps = np.diff(np.interp(np.linspace(0, filled[-1], CALIBRATION_BINS + 1), filled, excess))
    return float(np.abs(gaps).sum() / filled[-1])


def calibration_intercept(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Calibration in the large: what the logits lack on average; above 0, the risks are too low. Ideal is 0."""
    return _logistic(labels, _logits(probabilities), sample_weight, slope=False)[0]


def calibration_slope(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Slope of a logistic regression of the outcome on the logit; below 1, the risks are too extreme. Ideal is 1."""
    logits = _logits(probabilities)
    if np.ptp(logits) == 0:
        return float("nan")
    return _logistic(labels, logits - logits.mean(), sample_weight, slope=True)[1]


def sensitivity_at(share: float, labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Share of all positives among the given share of rows with the highest risks.

    Rows with equal risks at the edge count by the part of them that fits in, so their order is of no consequence.
    """
    found, rows = _ranked(labels, probabilities, sample_weight)
    return float(np.interp(share * rows[-1], rows, found) / found[-1]) if found[-1] else float("nan")


def ppv_at(share: float, labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Share of positives among the given share of rows with the highest risks; ties as in :func:`sensitivity_at`."""
    found, rows = _ranked(labels, probabilities, sample_weight)
    return float(np.interp(share * rows[-1], rows, found) / (share * rows[-1]))


METRICS: Final[Mapping[str, Metric]] = {
    "auroc": auroc,
    "average_precision": average_precision,
    "brier": brier,
    "ece": calibration_error,
}
"""The headline figures: name to function."""

ALL_METRICS: Final[Mapping[str, Metric]] = {
    **METRICS,
    "scaled_brier": scaled_brier,
    "calibration_intercept": calibration_intercept,
    "calibration_slope": calibration_slope,
    **{f"sensitivity_top_{share:.0%}"[:-1]: partial(sensitivity_at, share) for share in TOP_SHARES},
    **{f"ppv_top_{share:.0%}"[:-1]: partial(ppv_at, share) for share in TOP_SHARES},
}
"""Every figure: name to function."""


def point_metrics(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> dict[str, float]:
    """Every figure of :data:`ALL_METRICS`, without intervals.

    Args:
        labels: 0 or 1, shape ``(rows,)``.
        probabilities: of label 1, shape ``(rows,)``.
        sample_weight: how often each row counts, shape ``(rows,)``; by default once.
    """
    rows = by_risk(probabilities)
    weights = None if sample_weight is None else sample_weight[rows]
    return {name: metric(labels[rows], probabilities[rows], weights) for name, metric in ALL_METRICS.items()}


def ece_floor(probabilities: Values, seed: int, draws: int = 200) -> float:
    """Expected calibration error that perfectly calibrated risks show on these rows by chance.

    Outcomes are drawn from the probabilities themselves; the mean over the draws. An observed error is to be read
    beside it: no model can be expected below.
    """
    risks = probabilities[by_risk(probabilities)]
    generator = np.random.default_rng(seed)
    drawn = ((generator.random(len(risks)) < risks).astype(np.int64) for _ in range(draws))
    return float(np.mean([calibration_error(labels, risks) for labels in drawn]))


def by_risk(probabilities: Values) -> NDArray[np.intp]:
    """Rows in the order of rising risk."""
    return np.argsort(probabilities, kind="stable")


def _ranked(labels: Labels, probabilities: Values, sample_weight: Values | None) -> tuple[Values, Values]:
    """Positives and rows above each threshold, by falling risk and from (0, 0); rows of equal risk enter together."""
    order = by_risk(probabilities)[::-1]
    weights = np.ones(len(labels)) if sample_weight is None else sample_weight[order]
    ends = _ends_of_ties(probabilities[order])
    found = np.cumsum(weights * labels[order])[ends]
    return np.append(0.0, found), np.append(0.0, np.cumsum(weights)[ends])


def _ends_of_ties(ranked: Values) -> NDArray[np.intp]:
    """Last row of each run of equal values."""
    return np.flatnonzero(np.append(np.diff(ranked) != 0, True))


def _logits(probabilities: Values) -> Values:
    risks = np.clip(probabilities, _CERTAIN, 1 - _CERTAIN)
    logits: Values = np.log(risks / (1 - risks))
    return logits


def _logistic(labels: Labels, logits: Values, weights: Values | None, slope: bool) -> tuple[float, float]:
    """Intercept and slope of a logistic regression of the outcome on the logit, without penalty, by Newton's method.

    Without ``slope`` that stays 1. NaN where there is no finite best, as when the outcomes are all alike.
    """
    counts = np.ones(len(labels)) if weights is None else weights
    drawn = counts > 0
    y, x, w = labels[drawn], logits[drawn], counts[drawn]
    found = np.array([0.0, 0.0 if slope else 1.0])
    for _ in range(_NEWTON_STEPS):
        risks = 1 / (1 + np.exp(-np.clip(found[0] + found[1] * x, -500, 500)))
        left, spread = w * (y - risks), w * risks * (1 - risks)
        if slope:
            # Plain sums: a product of vectors would start the threads of BLAS, which costs more than it saves here.
            tilt = np.sum(spread * x)
            curvature = np.array([[spread.sum(), tilt], [tilt, np.sum(spread * x**2)]])
            if np.linalg.det(curvature) <= _SINGULAR:
                break
            step = np.linalg.solve(curvature, [left.sum(), np.sum(left * x)])
        else:
            step = np.array([left.sum() / max(spread.sum(), _SINGULAR), 0.0])
        # A long step is no step of Newton's: the quadratic is trusted nearby only.
        found += step / max(1.0, float(np.abs(step).max()) / 4)
        if np.abs(step).max() < 1e-8:
            return float(found[0]), float(found[1])
    return float("nan"), float("nan")
