"""How good predictions should be, before any outcome is known: what calibrated probabilities promise of themselves.

If of the patients with a risk of 0.2 one in five comes back, and so on for every risk, then the risks alone say how
well they will turn out to rank. Each prediction counts once as positive, with its probability as the weight, and once
as negative with the rest. The assumption is the very thing that outcomes alone can test: a model whose calibration has
been lost estimates its own quality wrongly. Calibration figures are therefore not estimated, and there is no interval:
the doubt lies in the assumption, which no resampling shows.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import sqlalchemy as sa

from ml.evaluation.metrics import METRICS, Metric, Values
from ml.monitoring.matured_predictions import COUNTS, MOST_RECORDS
from ml.warehouse.tables import monitor_runs

ESTIMATED: Final[Mapping[str, Metric]] = {name: METRICS[name] for name in ("auroc", "average_precision", "brier")}

_WINDOW: Final = sa.text(f"""
    SELECT model_version, array_agg(probability) AS probabilities
    FROM (
        SELECT p.model_version, p.probability,
            row_number() OVER (PARTITION BY p.model_version ORDER BY p.predicted_at DESC, p.id DESC) AS place
        FROM predictions p WHERE p.predicted_at BETWEEN :window_start AND :window_end AND {COUNTS}
    ) newest
    WHERE place <= {MOST_RECORDS} GROUP BY model_version ORDER BY model_version
""")  # noqa: S608  names of our own


def expected(probabilities: Values) -> dict[str, float]:
    """Figures of :data:`ESTIMATED` to expect of calibrated probabilities, shape ``(n,)``."""
    labels = np.repeat(np.array([1, 0], dtype=np.int64), len(probabilities))
    weights = np.concatenate([probabilities, 1 - probabilities])
    twice = np.tile(probabilities, 2)
    return {name: metric(labels, twice, weights) for name, metric in ESTIMATED.items()}


def window_probabilities(connection: sa.Connection, run_id: int) -> dict[str, Values]:
    """Probabilities of the predictions in the window of a monitoring run, by version."""
    window = sa.select(monitor_runs.c.window_start, monitor_runs.c.window_end).where(monitor_runs.c.id == run_id)
    bounds = dict(connection.execute(window).one()._mapping)
    return {
        row.model_version: np.array(row.probabilities, dtype=np.float64) for row in connection.execute(_WINDOW, bounds)
    }
