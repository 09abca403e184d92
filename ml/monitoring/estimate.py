"""Expected quality before outcomes are known, under the assumption that the probabilities are calibrated.

Each prediction counts as a positive with its probability as the weight, and as a negative with the remaining weight.
Calibration metrics are not estimated because calibration is the assumption; the uncertainty lies in the assumption too,
so there is no interval.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import sqlalchemy as sa

from ml.evaluation.metrics import METRICS, Metric, Values
from ml.monitoring.matured_predictions import newest_by_version

ESTIMATED: Final[Mapping[str, Metric]] = {name: METRICS[name] for name in ("auroc", "average_precision", "brier")}


def expected_metrics(probabilities: Values) -> dict[str, float]:
    """Expected value of :data:`ESTIMATED` for calibrated probabilities, shape ``(n,)``."""
    labels = np.repeat(np.array([1, 0], dtype=np.int64), len(probabilities))
    weights = np.concatenate([probabilities, 1 - probabilities])
    twice = np.tile(probabilities, 2)
    return {name: metric(labels, twice, weights) for name, metric in ESTIMATED.items()}


def window_probabilities(connection: sa.Connection, run_id: int) -> dict[str, Values]:
    """Probabilities in the window of a monitoring run, by model version."""
    in_window = (
        "{log}.predicted_at BETWEEN (SELECT window_start FROM monitor_runs WHERE id = :run_id)"
        " AND (SELECT window_end FROM monitor_runs WHERE id = :run_id)"
    )
    parts = newest_by_version(connection, in_window, run_id=run_id)
    return {version: np.array([row.probability for row in rows], dtype=np.float64) for version, rows in parts.items()}
