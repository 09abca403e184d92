"""Realised quality of matured predictions, and estimated quality of the current window, by version and subgroup."""

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import sqlalchemy as sa

from ml.core.settings import MlSettings
from ml.evaluation.bootstrap import evaluate
from ml.evaluation.metrics import ALL_METRICS, Values
from ml.evaluation.subgroups import SUBGROUP_POSITIVES
from ml.monitoring.estimate import ESTIMATED, expected_metrics, window_probabilities
from ml.monitoring.matured_predictions import MaturedPredictions, read_matured_predictions
from ml.warehouse.connection import transaction
from ml.warehouse.tables import monitor_quality, monitor_runs

log = logging.getLogger(__name__)

ALL: Final = "all"
REALISED: Final = {
    name: ALL_METRICS[name]
    for name in ("auroc", "average_precision", "brier", "ece", "calibration_intercept", "calibration_slope")
}
MIN_OUTCOMES: Final = SUBGROUP_POSITIVES
"""Positives and negatives needed. With 25, the standard error of an AUROC of 0.68 is 0.06 and its interval excludes 0.5
five times in six; with 10, every other time."""


@dataclass(frozen=True, slots=True)
class QualityMetric:
    """A row of ``monitor_quality``; ``value`` is None with too few outcomes or if the metric is undefined."""

    model_version: str
    subgroup: str  # "all", or such as "gender=Female"
    metric: str
    estimated: bool
    value: float | None
    low: float | None
    high: float | None
    records: int
    positives: int | None  # None where estimated
    coverage: float  # share of the matured predictions with a known outcome; 0 where estimated


def measure_quality(engine: sa.Engine, run_id: int, settings: MlSettings) -> list[QualityMetric]:
    """Measure realised quality and estimate that of the run's window; replaces the rows of the run.

    An old run is measured again on the predictions that were mature at the end of its window, with the outcomes known
    by now.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    with transaction(engine) as connection:
        at = connection.execute(sa.select(monitor_runs.c.window_end).where(monitor_runs.c.id == run_id)).scalar_one()
    matured, samples = read_matured_predictions(engine, settings, at), settings.bootstrap_samples
    metrics = [metric for part in matured for metric in realised_quality(part, samples)]
    with transaction(engine) as connection:
        for version, probabilities in window_probabilities(connection, run_id).items():
            metrics += estimated_quality(version, probabilities)
        connection.execute(monitor_quality.delete().where(monitor_quality.c.run_id == run_id))
        if metrics:
            connection.execute(monitor_quality.insert(), [{"run_id": run_id, **asdict(metric)} for metric in metrics])
    return metrics


def realised_quality(part: MaturedPredictions, samples: int) -> Iterator[QualityMetric]:
    """Metrics of a version: over all its matured predictions, and over each subgroup among them."""
    log.info("Version %s: %s matured predictions, %.0f %% with outcome", part.version, len(part), 100 * part.coverage)
    yield from _realised(part, ALL, samples)
    for column, values in part.groups.items():
        for level in sorted({str(value) for value in values if value is not None}):
            yield from _realised(part.rows(values == level), f"{column}={level}", samples)


def estimated_quality(version: str, probabilities: Values) -> Iterator[QualityMetric]:
    """Expected metrics of predictions, shape ``(n,)``, if they are calibrated."""
    records = len(probabilities)
    found = expected_metrics(probabilities) if _are_enough(float(probabilities.sum()), records) else {}
    for metric in ESTIMATED:
        yield QualityMetric(version, ALL, metric, True, _finite(found.get(metric)), None, None, records, None, 0.0)


def _realised(part: MaturedPredictions, subgroup: str, samples: int) -> Iterator[QualityMetric]:
    known = part.rows(part.known)
    positives = int(known.labels.sum())
    data, records = (known.labels, known.probabilities, known.patients), len(known)
    found = evaluate(*data, samples, metrics=REALISED) if _are_enough(positives, records) else {}
    for metric in REALISED:
        value, low, high = (_finite(found.get(metric, {}).get(end)) for end in ("value", "low", "high"))
        yield QualityMetric(part.version, subgroup, metric, False, value, low, high, records, positives, part.coverage)


def _are_enough(positives: float, records: int) -> bool:
    return min(positives, records - positives) >= MIN_OUTCOMES


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None
