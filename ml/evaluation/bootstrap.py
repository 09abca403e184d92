"""Metrics with 95 % intervals by patient-cluster bootstrap.

Patients are resampled with all their encounters; resampling rows would give intervals that are too narrow.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from ml.compute.workers import THIS_PROCESS, Workers
from ml.evaluation.metrics import ALL_METRICS, METRICS, Labels, Metric, Values, by_risk

Interval = dict[str, float]
"""``value``, and the ends ``low`` and ``high`` of its 95 % interval."""

REPLICATES_AT_ONCE: Final = 50


def evaluate(
    labels: Labels,
    probabilities: Values,
    patients: Labels,
    samples: int,
    seed: int = 296,
    metrics: Mapping[str, Metric] = METRICS,
    workers: Workers = THIS_PROCESS,
) -> dict[str, Interval]:
    """Each metric with its 95 % interval from ``samples`` bootstrap replicates.

    Labels (0 or 1), probabilities of label 1, and patients have shape ``(rows,)``. Equal seeds and patients give equal
    replicates for every metric and any number of workers.
    """
    rows = by_risk(probabilities)
    labels, probabilities, patients = labels[rows], probabilities[rows], patients[rows]
    shared = _Replicates(labels, probabilities, patients, samples, seed, metrics)
    replicates = np.concatenate(list(workers.map(_measure, shared, _blocks(samples))))
    return {
        name: interval(metric(labels, probabilities, None), replicates[:, column].tolist())
        for column, (name, metric) in enumerate(metrics.items())
    }


@dataclass(frozen=True, slots=True)
class _Replicates:
    labels: Labels
    probabilities: Values
    patients: Labels
    samples: int
    seed: int
    metrics: Mapping[str, Metric]


def _blocks(samples: int) -> list[range]:
    return [range(first, min(first + REPLICATES_AT_ONCE, samples)) for first in range(0, samples, REPLICATES_AT_ONCE)]


def _measure(shared: _Replicates, block: range) -> Values:
    """The metrics of some replicates, shape ``(replicates, metrics)``; to draw those before takes little time."""
    drawn = islice(resampled_weights(shared.patients, block.stop, shared.seed), block.start, None)
    return np.array(
        [
            [metric(shared.labels, shared.probabilities, weights) for metric in shared.metrics.values()]
            for weights in drawn
        ]
    ).reshape(len(block), len(shared.metrics))


def paired_difference(
    metric: str, labels: Labels, p_a: Values, p_b: Values, patients: Labels, samples: int, seed: int = 296
) -> Interval:
    """Metric (a key of ``ALL_METRICS``) of ``p_a`` minus that of ``p_b`` with its 95 % interval; see :func:`evaluate`.

    Both are measured on the same replicates, so the difficulty of a replicate cancels out. A positive difference is an
    improvement of the AUROC and a deterioration of the Brier score.
    """
    return paired_differences(metric, labels, p_a, [p_b], patients, samples, seed)[0]


def paired_differences(
    metric: str, labels: Labels, p_a: Values, others: Sequence[Values], patients: Labels, samples: int, seed: int = 296
) -> list[Interval]:
    """The same for ``p_a`` and each of several others, at half the cost of one call for each."""
    measure = ALL_METRICS[metric]
    first, *rest = [(labels[rows], risks[rows], rows) for risks in (p_a, *others) for rows in [by_risk(risks)]]

    def differences(weights: Values | None) -> list[float]:
        of_first, *of_rest = (
            measure(outcomes, risks, None if weights is None else weights[rows])
            for outcomes, risks, rows in (first, *rest)
        )
        return [of_first - value for value in of_rest]

    replicates = [differences(weights) for weights in resampled_weights(patients, samples, seed)]
    return [
        interval(v, list(column)) for v, column in zip(differences(None), zip(*replicates, strict=True), strict=True)
    ]


def resampled_weights(patients: Labels, samples: int, seed: int) -> Iterator[Values]:
    """Yield for each replicate how often each row is drawn, with all rows of a patient together; shape ``(rows,)``."""
    generator = np.random.default_rng(seed)
    _, cluster = np.unique(patients, return_inverse=True)
    count = int(cluster.max()) + 1
    for _ in range(samples):
        drawn = np.bincount(generator.integers(0, count, count), minlength=count)
        yield drawn[cluster].astype(np.float64)


def interval(value: float, replicates: list[float]) -> Interval:
    """A value with the 2.5 % and 97.5 % quantiles of its replicates; undefined replicates are left out."""
    defined = np.array([r for r in replicates if np.isfinite(r)])
    low, high = np.quantile(defined, [0.025, 0.975]) if len(defined) else (np.nan, np.nan)
    return {"value": float(value), "low": float(low), "high": float(high)}
