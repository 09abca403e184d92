"""The current window: recent predictions from the prediction log."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from ml.features.records import to_table
from ml.schema import CANNOT_BE_READMITTED
from ml.warehouse.connection import transaction
from ml.warehouse.tables import predictions


@dataclass(frozen=True, slots=True)
class Window:
    """Predictions of a period, the newest first; all arrays of shape ``(n,)``."""

    start: datetime  # time of the oldest prediction; start of the queried period if there is none
    end: datetime
    table: pd.DataFrame  # columns of ml.schema.INPUTS, NA for unknown; the history is not logged and unknown
    versions: NDArray[np.object_]  # numbers of the model versions
    probabilities: NDArray[np.float64]
    patients: NDArray[np.object_]  # a unique name where the log holds none

    def __len__(self) -> int:
        return len(self.table)

    def of_version(self, number: str) -> "Window":
        """The predictions of a model version."""
        return self.rows(np.flatnonzero(self.versions == number))

    def rows(self, chosen: NDArray[np.intp]) -> "Window":
        """A subset of the predictions by position."""
        columns = (self.versions[chosen], self.probabilities[chosen], self.patients[chosen])
        return Window(self.start, self.end, self.table.iloc[chosen], *columns)


def read_window(engine: sa.Engine, days: float, limit: int) -> Window:
    """Read at most ``limit`` predictions of the last ``days``, without load tests.

    Only the last prediction of an encounter counts. Deaths and discharges to hospice are excluded, as in the reference.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    end = datetime.now(UTC)
    start = end - timedelta(days=days)
    with transaction(engine) as connection:
        rows = connection.execute(_query(start, end, limit)).all()
    return Window(
        min((row.predicted_at for row in rows), default=start),
        end,
        to_table([row.record for row in rows]),
        np.array([row.model_version for row in rows], dtype=object),
        np.array([row.probability for row in rows], dtype=np.float64),
        np.array([row.patient or f"of prediction {row.id}" for row in rows], dtype=object),
    )


def _query(start: datetime, end: datetime, limit: int) -> sa.Select[Any]:
    p, later = predictions, predictions.alias("later")
    predicted_again = sa.exists().where(
        later.c.encounter == p.c.encounter,
        sa.tuple_(later.c.predicted_at, later.c.id) > sa.tuple_(p.c.predicted_at, p.c.id),
        ~later.c.load_test,
        later.c.predicted_at <= end,
    )
    disposition = p.c.record["discharge_disposition_id"].as_integer()
    return (
        sa.select(p.c.id, p.c.predicted_at, p.c.model_version, p.c.record, p.c.probability, p.c.patient)
        .where(p.c.predicted_at.between(start, end), ~p.c.load_test, ~predicted_again)
        .where(sa.or_(disposition.is_(None), disposition.not_in(sorted(CANNOT_BE_READMITTED))))
        .order_by(p.c.predicted_at.desc(), p.c.id.desc())
        .limit(limit)
    )
