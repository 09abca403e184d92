"""How good the probabilities are: ranking and calibration, with intervals that respect patients.

An interval comes from resampling patients with all their encounters (cluster bootstrap); resampling rows would
call it narrower than it is. Accuracy is not reported: at a prevalence of 11 % it says nothing.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from ml.evaluation.metrics import (
    ALL_METRICS,
    METRICS,
    Labels,
    Metric,
    Values,
    by_risk,
)

Interval = dict[str, float]
"""``value``, and the ends ``low`` and ``high`` of its 95 % interval."""


def evaluate(
    labels: Labels,
    probabilities: Values,
    patients: Labels,
    samples: int,
    seed: int = 296,
    metrics: Mapping[str, Metric] = METRICS,
) -> dict[str, Interval]:
    """Each metric with its 95 % interval by patient-cluster bootstrap.

    Args:
        labels: 0 or 1, shape ``(rows,)``.
        probabilities: of label 1, shape ``(rows,)``.
        patients: cluster of each row, shape ``(rows,)``.
        samples: bootstrap replicates.
        seed: of the resampling.
        metrics: the headline ones, or :data:`ml.evaluation.metrics.ALL_METRICS`.
    """
    rows = by_risk(probabilities)
    labels, probabilities, patients = labels[rows], probabilities[rows], patients[rows]
    replicates: dict[str, list[float]] = {name: [] for name in metrics}
    for weights in resampled_weights(patients, samples, seed):
        for name, metric in metrics.items():
            replicates[name].append(metric(labels, probabilities, weights))
    return {name: _interval(metric(labels, probabilities, None), replicates[name]) for name, metric in metrics.items()}


def paired_difference(
    metric: str,
    labels: Labels,
    p_a: Values,
    p_b: Values,
    patients: Labels,
    samples: int,
    seed: int = 296,
) -> Interval:
    """By how much a metric of one set of probabilities exceeds that of another on the same rows.

    Both are measured on the same replicates, so that what makes a replicate easy or hard cancels out.

    Args:
        metric: a key of :data:`ml.evaluation.metrics.ALL_METRICS`.
        labels: 0 or 1, shape ``(rows,)``.
        p_a: probabilities of label 1 of one model, shape ``(rows,)``.
        p_b: those of the other, shape ``(rows,)``.
        patients: cluster of each row, shape ``(rows,)``.
        samples: bootstrap replicates.
        seed: of the resampling; the same seed and patients give the same replicates for every metric.

    Returns:
        Metric of ``p_a`` minus metric of ``p_b`` with its 95 % interval. Mind the sign: a positive difference is
        an improvement for AUROC, and a deterioration for the Brier score.
    """
    measure = ALL_METRICS[metric]
    by_a, by_b = by_risk(p_a), by_risk(p_b)
    sides = ((labels[by_a], p_a[by_a], by_a, 1), (labels[by_b], p_b[by_b], by_b, -1))
    value = sum(sign * measure(outcome, risks, None) for outcome, risks, _, sign in sides)
    replicates = [
        sum(sign * measure(outcome, risks, weights[rows]) for outcome, risks, rows, sign in sides)
        for weights in resampled_weights(patients, samples, seed)
    ]
    return _interval(value, replicates)


def resampled_weights(patients: Labels, samples: int, seed: int) -> Iterator[Values]:
    """Yield how often each row is drawn when patients are drawn with replacement, shape ``(rows,)`` each."""
    generator = np.random.default_rng(seed)
    _, cluster = np.unique(patients, return_inverse=True)
    count = int(cluster.max()) + 1
    for _ in range(samples):
        drawn = np.bincount(generator.integers(0, count, count), minlength=count)
        yield drawn[cluster].astype(np.float64)


def _interval(value: float, replicates: list[float]) -> Interval:
    """A value between quantiles of its replicates; those without a figure, as without positives, say nothing."""
    known = np.array([r for r in replicates if np.isfinite(r)])
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return {"value": float(value), "low": float(low), "high": float(high)}
