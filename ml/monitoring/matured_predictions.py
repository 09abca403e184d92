"""Predictions that are old enough for their outcome to be known, with the outcome where it was told.

A patient counts as not readmitted only 30 days after discharge. Predictions are made at discharge, so the time since
a prediction stands for the time since discharge; the log knows no other. What is younger is left out, whatever was told
of it: a return is known when it happens, that there was none only at the end, so what is known early is nearly all
returns. And what is old enough but was never told is unknown, not negative.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from ml.core.settings import MlSettings
from ml.evaluation.metrics import Labels, Values
from ml.evaluation.subgroups import SUBGROUP_COLUMNS
from ml.monitoring.ingested_outcomes import delivered
from ml.schema import CANNOT_BE_READMITTED
from ml.warehouse.connection import transaction

MOST_RECORDS: Final = 20_000
"""Of each version the newest count: as many as make the interval of an AUROC 0.025 wide."""

SIMULATION: Final = "sim-"
"""Request ids of ``python -m ml simulate``. What became of the encounters it replays was ingested long before."""

COUNTS: Final = f"""
    NOT p.load_test
    AND coalesce((p.record->>'discharge_disposition_id')::int, 0) NOT IN ({", ".join(map(str, CANNOT_BE_READMITTED))})
    AND NOT EXISTS (
        SELECT FROM predictions later
        WHERE later.encounter = p.encounter AND later.model_version = p.model_version AND NOT later.load_test
            AND (later.predicted_at, later.id) > (p.predicted_at, p.id)
    )
"""
"""Condition on a prediction ``p``: no load test, of a patient who can return, the version's last of its encounter."""

_VERSIONS: Final = sa.text("""
    SELECT DISTINCT model_version FROM predictions
    WHERE NOT load_test AND predicted_at <= now() - make_interval(days => :days) ORDER BY model_version
""")
_MATURE: Final = sa.text(f"""
    SELECT p.id, p.request_id, p.predicted_at, p.probability, p.patient, p.encounter,
        {", ".join(f"p.record->>'{name}' AS {name}" for name in SUBGROUP_COLUMNS)}
    FROM predictions p
    WHERE p.model_version = :version AND p.predicted_at <= now() - make_interval(days => :days) AND {COUNTS}
    ORDER BY p.predicted_at DESC, p.id DESC LIMIT {MOST_RECORDS}
""")  # noqa: S608  names of our own
_TOLD: Final = sa.text("SELECT id, readmitted_within_30_days FROM labelled_predictions WHERE id = ANY(:ids)")


@dataclass(frozen=True, slots=True)
class Mature:
    """Mature predictions of one version, the newest first; all arrays of shape ``(n,)``."""

    version: str
    probabilities: Values
    known: NDArray[np.bool_]  # whether the outcome was told
    labels: Labels  # 1 where the patient came back within 30 days; 0 where not, and where it is not known
    patients: Labels  # cluster of each; where the log names no patient, one of its own
    groups: Mapping[str, NDArray[np.object_]]  # values of the columns that make subgroups, None for unknown

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def coverage(self) -> float:
        """Share of them whose outcome is known."""
        return float(self.known.mean()) if len(self) else 0.0

    def part(self, rows: NDArray[np.bool_]) -> "Mature":
        """Some of them."""
        return Mature(
            self.version,
            self.probabilities[rows],
            self.known[rows],
            self.labels[rows],
            self.patients[rows],
            {name: values[rows] for name, values in self.groups.items()},
        )


def mature(engine: sa.Engine, settings: MlSettings) -> list[Mature]:
    """Mature predictions of every version that has any in the log.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    days = {"days": settings.outcome_maturity_days}
    with transaction(engine, isolation="REPEATABLE READ") as connection:
        versions = connection.scalars(_VERSIONS, days).all()
        rows = {name: connection.execute(_MATURE, {"version": name, **days}).all() for name in versions}
        outcomes = _outcomes(connection, [row for part in rows.values() for row in part], settings)
    return [_gathered(version, part, outcomes) for version, part in rows.items() if part]


def _outcomes(connection: sa.Connection, rows: Sequence[sa.Row[Any]], settings: MlSettings) -> dict[int, bool]:
    """What is known, by the number of the prediction. What was told of it counts before what was delivered."""
    known = {row.id: row.readmitted_within_30_days for row in connection.execute(_TOLD, {"ids": [r.id for r in rows]})}
    untold = [r for r in rows if r.id not in known and r.encounter and not r.request_id.startswith(SIMULATION)]
    if not untold:
        return known
    key = settings.prediction_log_key.get_secret_value()
    since = min(row.predicted_at for row in untold)
    found = delivered(connection, {row.encounter for row in untold}, since, key)
    for row in untold:
        outcome = found.get(row.encounter)
        # What was there when the prediction was made may be what the version was trained on.
        if outcome is not None and outcome.ingested_at > row.predicted_at:
            known[row.id] = outcome.positive
    return known


def _gathered(version: str, rows: Sequence[sa.Row[Any]], outcomes: Mapping[int, bool]) -> Mature:
    return Mature(
        version,
        probabilities=np.array([row.probability for row in rows], dtype=np.float64),
        known=np.array([row.id in outcomes for row in rows]),
        labels=np.array([outcomes.get(row.id, False) for row in rows], dtype=np.int64),
        patients=clusters([row.patient for row in rows]),
        groups={name: np.array([row._mapping[name] for row in rows], dtype=object) for name in SUBGROUP_COLUMNS},
    )


def clusters(patients: Sequence[str | None]) -> Labels:
    """A number for each patient; what names none is a cluster of its own. Shape ``(n,)``."""
    numbers: dict[str | int, int] = {}
    return np.array(
        [numbers.setdefault(place if name is None else name, len(numbers)) for place, name in enumerate(patients)],
        dtype=np.int64,
    )
