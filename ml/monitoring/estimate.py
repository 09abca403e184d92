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
from ml.monitoring.matured_predictions import ELIGIBLE, MAX_RECORDS

ESTIMATED: Final[Mapping[str, Metric]] = {name: METRICS[name] for name in ("auroc", "average_precision", "brier")}

_WINDOW: Final = sa.text(f"""
    SELECT model_version, array_agg(probability) AS probabilities
    FROM (
        SELECT p.model_version, p.probability,
            row_number() OVER (PARTITION BY p.model_version ORDER BY p.predicted_at DESC, p.id DESC) AS place
        FROM predictions p, monitor_runs run
        WHERE run.id = :run_id AND p.predicted_at BETWEEN run.window_start AND run.window_end AND {ELIGIBLE}
    ) newest
    WHERE place <= {MAX_RECORDS} GROUP BY model_version ORDER BY model_version
""")  # noqa: S608  constants only


def expected_metrics(probabilities: Values) -> dict[str, float]:
    """Expected value of :data:`ESTIMATED` for calibrated probabilities, shape ``(n,)``."""
    labels = np.repeat(np.array([1, 0], dtype=np.int64), len(probabilities))
    weights = np.concatenate([probabilities, 1 - probabilities])
    twice = np.tile(probabilities, 2)
    return {name: metric(labels, twice, weights) for name, metric in ESTIMATED.items()}


def window_probabilities(connection: sa.Connection, run_id: int) -> dict[str, Values]:
    """Probabilities in the window of a monitoring run, by model version."""
    rows = connection.execute(_WINDOW, {"run_id": run_id})
    return {row.model_version: np.array(row.probabilities, dtype=np.float64) for row in rows}
