"""Metrics of probabilities: ranking, calibration and overall error, as functions of labels, probabilities and weights.

Labels are 0 or 1; all arrays have shape ``(rows,)``. A weight counts like a repeated row. A metric that is undefined,
such as the AUROC of rows that are all positive, is NaN. Sorting sorted rows is cheap, so callers that resample rows
sort them by risk once.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Values = NDArray[np.float64]
Labels = NDArray[np.int64]
Metric = Callable[[Labels, Values, Values | None], float]

CALIBRATION_BINS: Final = 10
TOP_SHARES: Final = (0.05, 0.10, 0.20)
"""Shares of encounters with the highest risk, for the capacity to follow patients up."""

_CLIP: Final = 1e-7
"""Probabilities are clipped to this distance from 0 and 1, so that their logit is finite."""
_NEWTON_STEPS: Final = 50
_SINGULAR: Final = 1e-12


def auroc(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Area under the ROC curve: the probability that a positive row has a higher risk than a negative one."""
    positives, rows = _cumulated(labels, probabilities, sample_weight)
    negatives = rows - positives
    if not positives[-1] or not negatives[-1]:
        return float("nan")
    return float(np.trapezoid(positives, negatives) / (positives[-1] * negatives[-1]))


def average_precision(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Mean precision, weighted by the recall that each threshold adds; a random ranking has the prevalence."""
    positives, rows = _cumulated(labels, probabilities, sample_weight)
    if not positives[-1]:
        return float("nan")
    precision = np.divide(positives[1:], rows[1:], out=np.zeros(len(rows) - 1), where=rows[1:] > 0)
    return float(np.sum(np.diff(positives) * precision) / positives[-1])


def brier(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Mean squared difference between probability and outcome."""
    return float(np.average((probabilities - labels) ** 2, weights=sample_weight))


def scaled_brier(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Brier skill score: 1 - Brier score / Brier score of predicting the prevalence; 1 is perfect."""
    prevalence = float(np.average(labels, weights=sample_weight))
    if prevalence in (0.0, 1.0):
        return float("nan")
    return 1 - brier(labels, probabilities, sample_weight) / (prevalence * (1 - prevalence))


def calibration_error(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Expected calibration error: mean gap between predicted and observed risk over bins with equal numbers of rows.

    Rows of equal risk at the edge of a bin are divided evenly, so the result does not depend on their order.
    """
    order = by_risk(probabilities)
    weights = np.ones(len(labels)) if sample_weight is None else sample_weight[order]
    ends = _ends_of_ties(probabilities[order])
    excess = np.append(0.0, np.cumsum(weights * (labels - probabilities)[order])[ends])
    filled = np.append(0.0, np.cumsum(weights)[ends])
    gaps = np.diff(np.interp(np.linspace(0, filled[-1], CALIBRATION_BINS + 1), filled, excess))
    return float(np.abs(gaps).sum() / filled[-1])


def calibration_intercept(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Calibration in the large, in logits: above 0, the risks are too low on average. Ideal is 0."""
    return _logistic(labels, logits(probabilities), sample_weight, slope=False)[0]


def calibration_slope(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Slope of a logistic regression of the outcome on the logit; below 1, the risks are too extreme. Ideal is 1."""
    x = logits(probabilities)
    if np.ptp(x) == 0:
        return float("nan")
    return _logistic(labels, x - x.mean(), sample_weight, slope=True)[1]


def sensitivity_at(share: float, labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Share of all positives that is in the given share of rows with the highest risks.

    Rows of equal risk at the edge count in part, so the result does not depend on their order.
    """
    positives, rows = _cumulated(labels, probabilities, sample_weight)
    return float(np.interp(share * rows[-1], rows, positives) / positives[-1]) if positives[-1] else float("nan")


def ppv_at(share: float, labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Share of positives among the given share of rows with the highest risks; ties as in :func:`sensitivity_at`."""
    positives, rows = _cumulated(labels, probabilities, sample_weight)
    return float(np.interp(share * rows[-1], rows, positives) / (share * rows[-1]))


METRICS: Final[Mapping[str, Metric]] = {
    "auroc": auroc,
    "average_precision": average_precision,
    "brier": brier,
    "ece": calibration_error,
}

ALL_METRICS: Final[Mapping[str, Metric]] = {
    **METRICS,
    "scaled_brier": scaled_brier,
    "calibration_intercept": calibration_intercept,
    "calibration_slope": calibration_slope,
    **{f"sensitivity_top_{share:.0%}"[:-1]: partial(sensitivity_at, share) for share in TOP_SHARES},
    **{f"ppv_top_{share:.0%}"[:-1]: partial(ppv_at, share) for share in TOP_SHARES},
}


def point_metrics(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> dict[str, float]:
    """All metrics of :data:`ALL_METRICS`, without intervals."""
    rows = by_risk(probabilities)
    weights = None if sample_weight is None else sample_weight[rows]
    return {name: metric(labels[rows], probabilities[rows], weights) for name, metric in ALL_METRICS.items()}


def ece_floor(probabilities: Values, seed: int, draws: int = 200) -> float:
    """Expected calibration error of perfectly calibrated risks on these rows, which is above 0 by chance.

    It is the mean over outcomes that are drawn from the probabilities. An observed error is compared with it.
    """
    ranked = np.sort(probabilities)
    return float(np.mean(ece_by_chance(ranked, ranked, seed, draws)))


def ece_by_chance(ranked: Values, true_risks: Values, seed: int, draws: int) -> Values:
    """Expected calibration error of sorted risks in draws of the outcomes from the true risks, shape ``(draws,)``."""
    generator = np.random.default_rng(seed)
    drawn = ((generator.random(len(ranked)) < true_risks).astype(np.int64) for _ in range(draws))
    return np.array([calibration_error(labels, ranked) for labels in drawn])


def by_risk(probabilities: Values) -> NDArray[np.intp]:
    """Indices of the rows by rising risk."""
    return np.argsort(probabilities, kind="stable")


def logits(probabilities: Values) -> Values:
    """Logits of probabilities, finite for 0 and 1 as well."""
    return np.asarray(logit(np.clip(probabilities, _CLIP, 1 - _CLIP)))


def json_values(value: Any) -> Any:
    """A copy for JSON of nested mappings and sequences: floats that are not finite are None."""
    if isinstance(value, Mapping):
        return {str(name): json_values(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(item) for item in value]
    if isinstance(value, float):
        return float(value) if np.isfinite(value) else None
    return value


def _cumulated(labels: Labels, probabilities: Values, sample_weight: Values | None) -> tuple[Values, Values]:
    """Positives and rows above each threshold, from (0, 0) by falling risk; rows of equal risk are added together."""
    order = by_risk(probabilities)[::-1]
    weights = np.ones(len(labels)) if sample_weight is None else sample_weight[order]
    ends = _ends_of_ties(probabilities[order])
    positives = np.cumsum(weights * labels[order])[ends]
    return np.append(0.0, positives), np.append(0.0, np.cumsum(weights)[ends])


def _ends_of_ties(ranked: Values) -> NDArray[np.intp]:
    return np.flatnonzero(np.append(np.diff(ranked) != 0, True))


def _logistic(labels: Labels, x: Values, weights: Values | None, slope: bool) -> tuple[float, float]:
    """Intercept and slope of an unpenalised logistic regression of the outcome on ``x``, by Newton's method.

    Without ``slope`` the slope is 1. NaN if there is no finite optimum, such as for outcomes that are all equal.
    """
    counts = np.ones(len(labels)) if weights is None else weights
    drawn = counts > 0
    y, x, w = labels[drawn], x[drawn], counts[drawn]
    estimate = np.array([0.0, 0.0 if slope else 1.0])
    for _ in range(_NEWTON_STEPS):
        risks = expit(estimate[0] + estimate[1] * x)
        residuals, variances = w * (y - risks), w * risks * (1 - risks)
        if slope:
            # Sums instead of dot products: starting the threads of BLAS takes longer than it saves here.
            mixed = np.sum(variances * x)
            curvature = np.array([[variances.sum(), mixed], [mixed, np.sum(variances * x**2)]])
            if np.linalg.det(curvature) <= _SINGULAR:
                break
            step = np.linalg.solve(curvature, [residuals.sum(), np.sum(residuals * x)])
        else:
            step = np.array([residuals.sum() / max(variances.sum(), _SINGULAR), 0.0])
        # The quadratic approximation is valid nearby only, so the length of a step is limited.
        estimate += step / max(1.0, float(np.abs(step).max()) / 4)
        if np.abs(step).max() < 1e-8:
            return float(estimate[0]), float(estimate[1])
    return float("nan"), float("nan")
