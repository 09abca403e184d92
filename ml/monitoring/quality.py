"""What came true: figures of every version on the predictions whose outcome is known, and what to expect of others."""

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
from ml.monitoring.estimate import ESTIMATED, expected, window_probabilities
from ml.monitoring.matured_predictions import Mature, mature
from ml.warehouse.connection import transaction
from ml.warehouse.tables import monitor_quality

log = logging.getLogger(__name__)

ALL: Final = "all"
REALISED: Final = {
    name: ALL_METRICS[name]
    for name in ("auroc", "average_precision", "brier", "ece", "calibration_intercept", "calibration_slope")
}
FEWEST: Final = SUBGROUP_POSITIVES
"""With fewer positives or negatives there is no figure. With 25 of the scarcer outcome the standard error of an AUROC
of 0.68 is 0.06, and its interval lies above 0.5 five times in six; with ten it would hold 0.5 every other time."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of ``monitor_quality``. A value of None: too little is known, or there is no such figure."""

    model_version: str
    subgroup: str  # "all", or such as "gender=Female"
    metric: str
    estimated: bool
    value: float | None
    low: float | None
    high: float | None
    records: int  # that the figure is of
    positives: int | None  # among them; None where estimated
    coverage: float  # share of the mature predictions whose outcome is known; 0 where estimated, which uses none


def realise(engine: sa.Engine, run_id: int, settings: MlSettings) -> tuple[Figure, ...]:
    """Measure every version on its mature outcomes, estimate those of the run's window, and write both down.

    Doing it again for the same run replaces what was written.

    Args:
        engine: of the ``diabetes`` database.
        run_id: of ``monitor_runs``; its window is the one that is estimated.
        settings: of this service.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    found = [figure for part in mature(engine, settings) for figure in realised(part, settings.bootstrap_samples)]
    with transaction(engine) as connection:
        for version, probabilities in window_probabilities(connection, run_id).items():
            found += estimated(version, probabilities)
        connection.execute(monitor_quality.delete().where(monitor_quality.c.run_id == run_id))
        if found:
            connection.execute(monitor_quality.insert(), [{"run_id": run_id, **asdict(figure)} for figure in found])
    return tuple(found)


def realised(part: Mature, samples: int) -> Iterator[Figure]:
    """Figures of a version: of all its mature predictions, and of each subgroup that occurs among them."""
    log.info("Version %s: %s mature predictions, %.0f %% with an outcome", part.version, len(part), 100 * part.coverage)
    yield from _figures(part, ALL, samples)
    for column, values in part.groups.items():
        for level in sorted({str(value) for value in values if value is not None}):
            yield from _figures(part.part(values == level), f"{column}={level}", samples)


def estimated(version: str, probabilities: Values) -> Iterator[Figure]:
    """What to expect of predictions, shape ``(n,)``, if they are calibrated."""
    found = expected(probabilities) if _are_enough(float(probabilities.sum()), len(probabilities)) else {}
    for metric in ESTIMATED:
        value = _finite(found.get(metric))
        yield Figure(version, ALL, metric, True, value, None, None, len(probabilities), None, 0.0)


def _figures(part: Mature, subgroup: str, samples: int) -> Iterator[Figure]:
    told = part.part(part.known)
    positives = int(told.labels.sum())
    outcome = (told.labels, told.probabilities, told.patients)
    found = evaluate(*outcome, samples, metrics=REALISED) if _are_enough(positives, len(told)) else {}
    for metric in REALISED:
        value, low, high = (_finite(found.get(metric, {}).get(end)) for end in ("value", "low", "high"))
        yield Figure(part.version, subgroup, metric, False, value, low, high, len(told), positives, part.coverage)


def _are_enough(positives: float, records: int) -> bool:
    return min(positives, records - positives) >= FEWEST


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None
