"""How good the probabilities are: ranking and calibration, with intervals that respect patients.

An interval comes from resampling patients with all their encounters (cluster bootstrap); resampling rows would
call it narrower than it is. Accuracy is not reported: at a prevalence of 11 % it says nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

Values = NDArray[np.float64]
Labels = NDArray[np.int64]
Interval = dict[str, float]
"""``value``, and the ends ``low`` and ``high`` of its 95 % interval."""

CALIBRATION_BINS: Final = 10


def calibration_error(labels: Labels, probabilities: Values, sample_weight: Values | None = None) -> float:
    """Expected calibration error: mean gap between promised and observed risk over equally filled bins."""
    weights = np.ones(len(labels)) if sample_weight is None else sample_weight
    order = np.argsort(probabilities, kind="stable")
    filled = np.cumsum(weights[order])
    bins = np.minimum((filled - weights[order] / 2) / filled[-1] * CALIBRATION_BINS, CALIBRATION_BINS - 1).astype(int)
    gaps = np.bincount(bins, weights[order] * (labels[order] - probabilities[order]), CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / filled[-1])


METRICS: Final[Mapping[str, Callable[..., float]]] = {
    "auroc": roc_auc_score,
    "average_precision": average_precision_score,
    "brier": brier_score_loss,
    "ece": calibration_error,
}
"""Name to function of (labels, probabilities, sample_weight)."""


def evaluate(
    labels: Labels, probabilities: Values, patients: Labels, samples: int, seed: int = 296
) -> dict[str, Interval]:
    """Every metric with its 95 % interval by patient-cluster bootstrap.

    Args:
        labels: 0 or 1, shape ``(rows,)``.
        probabilities: of label 1, shape ``(rows,)``.
        patients: cluster of each row, shape ``(rows,)``.
        samples: bootstrap replicates.
        seed: of the resampling.
    """
    values = {name: float(metric(labels, probabilities)) for name, metric in METRICS.items()}
    replicates: dict[str, list[float]] = {name: [] for name in METRICS}
    for weights in resampled_weights(patients, samples, seed):
        drawn = weights > 0
        for name, metric in METRICS.items():
            replicates[name].append(metric(labels[drawn], probabilities[drawn], sample_weight=weights[drawn]))
    return {name: _interval(values[name], replicates[name]) for name in METRICS}


def resampled_weights(patients: Labels, samples: int, seed: int) -> Any:
    """Yield how often each row is drawn when patients are drawn with replacement, shape ``(rows,)`` each."""
    generator = np.random.default_rng(seed)
    _, cluster = np.unique(patients, return_inverse=True)
    count = int(cluster.max()) + 1
    for _ in range(samples):
        drawn = np.bincount(generator.integers(0, count, count), minlength=count)
        yield drawn[cluster].astype(np.float64)


def _interval(value: float, replicates: list[float]) -> Interval:
    low, high = np.quantile(replicates, [0.025, 0.975])
    return {"value": value, "low": float(low), "high": float(high)}
