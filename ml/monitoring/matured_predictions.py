"""Predictions that are at least 30 days old, with their outcomes where known.

A patient counts as not readmitted only 30 days after discharge; predictions are made at discharge. Younger predictions
are excluded even if an outcome is known: positives are known at once and negatives only at the end, so including them
would bias the quality. A matured prediction without a reported outcome is unknown, not negative.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from ml.core.settings import MlSettings
from ml.evaluation.metrics import Labels, Values
from ml.evaluation.subgroups import SUBGROUP_COLUMNS
from ml.monitoring.ingested_outcomes import ingested_outcomes
from ml.schema import CANNOT_BE_READMITTED
from ml.warehouse.connection import transaction

MAX_RECORDS: Final = 20_000
"""The newest predictions of each version are used: enough for a 95 % interval of the AUROC of width 0.025."""

SIMULATION_PREFIX: Final = "sim-"
"""Request ids of simulated predictions. Their encounters were ingested before, so ingestion is not an outcome."""

_VERSIONS: Final = "SELECT DISTINCT model_version FROM predictions p WHERE NOT p.load_test AND {of_p} ORDER BY 1"
_NEWEST: Final = f"""
    SELECT p.id, p.request_id, p.predicted_at, p.probability, p.patient, p.encounter,
        {", ".join(f"p.record->>'{name}' AS {name}" for name in SUBGROUP_COLUMNS)}
    FROM predictions p
    WHERE p.model_version = :version AND {{of_p}} AND NOT p.load_test
        AND coalesce((p.record->>'discharge_disposition_id')::int, 0)
            NOT IN ({", ".join(map(str, CANNOT_BE_READMITTED))})
        AND NOT EXISTS (
            SELECT FROM predictions earlier
            WHERE earlier.encounter = p.encounter AND earlier.model_version = p.model_version
                AND {{of_earlier}} AND NOT earlier.load_test
                AND (earlier.predicted_at, earlier.id) < (p.predicted_at, p.id)
        )
    ORDER BY p.predicted_at DESC, p.id DESC LIMIT {MAX_RECORDS}
"""  # noqa: S608  constants only
_REPORTED: Final = sa.text("""
    SELECT id, readmitted_within_30_days FROM labelled_predictions WHERE id = ANY(:ids)
        AND known_on >= (predicted_at AT TIME ZONE 'UTC' - interval '12 hours')::date
""")
"""POST /feedback refuses an outcome that is dated before its prediction, but one may arrive before its prediction is
logged. The date of a prediction west of UTC may be the day before, as in :mod:`api.storage.feedback`."""


@dataclass(frozen=True, slots=True)
class MaturedPredictions:
    """Matured predictions of one version, the newest first; all arrays of shape ``(n,)``."""

    version: str
    probabilities: Values
    known: NDArray[np.bool_]  # whether the outcome is known
    labels: Labels  # 1 where readmitted within 30 days; 0 where not, and where unknown
    patients: Labels  # cluster number; unique where the log names no patient
    groups: Mapping[str, NDArray[np.object_]]  # values of the subgroup columns, None for unknown

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def coverage(self) -> float:
        """Share of predictions with a known outcome."""
        return float(self.known.mean()) if len(self) else 0.0

    def rows(self, chosen: NDArray[Any]) -> "MaturedPredictions":
        """A subset of the predictions, by mask or position."""
        return MaturedPredictions(
            self.version,
            self.probabilities[chosen],
            self.known[chosen],
            self.labels[chosen],
            self.patients[chosen],
            {name: values[chosen] for name, values in self.groups.items()},
        )


def read_matured_predictions(
    engine: sa.Engine, settings: MlSettings, at: datetime | None = None
) -> list[MaturedPredictions]:
    """Read the predictions that were mature at a time (default: now), of every version that has any.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    until = (at or datetime.now(UTC)) - timedelta(days=settings.outcome_maturity_days)
    with transaction(engine, isolation="REPEATABLE READ") as connection:
        parts = newest_by_version(connection, "{log}.predicted_at <= :until", until=until)
        outcomes = _outcomes(connection, [row for rows in parts.values() for row in rows], settings)
    return [_matured(version, rows, outcomes) for version, rows in parts.items()]


def newest_by_version(connection: sa.Connection, condition: str, **values: Any) -> dict[str, Sequence[sa.Row[Any]]]:
    """The newest predictions of each version, at most MAX_RECORDS, that meet an SQL condition on the table ``{log}``.

    Excludes load tests, patients who cannot be readmitted, and all but the first such prediction of an encounter: the
    log holds no time of discharge, and predictions are made at discharge. Scoring an encounter again, after its
    outcome is known, changes nothing.
    """
    places = {"of_p": condition.format(log="p"), "of_earlier": condition.format(log="earlier")}
    query = sa.text(_NEWEST.format(**places))
    versions = connection.scalars(sa.text(_VERSIONS.format(**places)), values).all()
    parts = {name: connection.execute(query, {"version": name, **values}).all() for name in versions}
    return {name: rows for name, rows in parts.items() if rows}


def _outcomes(connection: sa.Connection, rows: Sequence[sa.Row[Any]], settings: MlSettings) -> dict[int, bool]:
    """Known outcomes by prediction id. A reported outcome takes precedence over an ingested one."""
    ids = [row.id for row in rows]
    known = {row.id: row.readmitted_within_30_days for row in connection.execute(_REPORTED, {"ids": ids})}
    genuine = (row for row in rows if row.encounter and not row.request_id.startswith(SIMULATION_PREFIX))
    unreported = [row for row in genuine if row.id not in known]
    if not unreported:
        return known
    key = settings.prediction_log_key.get_secret_value()
    since = min(row.predicted_at for row in unreported)
    ingested = ingested_outcomes(connection, {row.encounter for row in unreported}, since, key)
    for row in unreported:
        outcome = ingested.get(row.encounter)
        # An encounter that was ingested before the prediction may be training data of the version.
        if outcome is not None and outcome.ingested_at > row.predicted_at:
            known[row.id] = outcome.positive
    return known


def _matured(version: str, rows: Sequence[sa.Row[Any]], outcomes: Mapping[int, bool]) -> MaturedPredictions:
    return MaturedPredictions(
        version,
        probabilities=np.array([row.probability for row in rows], dtype=np.float64),
        known=np.array([row.id in outcomes for row in rows]),
        labels=np.array([outcomes.get(row.id, False) for row in rows], dtype=np.int64),
        patients=patient_clusters([row.patient for row in rows]),
        groups={name: np.array([row._mapping[name] for row in rows], dtype=object) for name in SUBGROUP_COLUMNS},
    )


def patient_clusters(patients: Sequence[str | None]) -> Labels:
    """Cluster numbers of patients, shape ``(n,)``; None is a cluster of its own."""
    numbers: dict[str | int, int] = {}
    return np.array(
        [numbers.setdefault(place if name is None else name, len(numbers)) for place, name in enumerate(patients)],
        dtype=np.int64,
    )
