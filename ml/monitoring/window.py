"""What the model was asked of late: the window, out of the prediction log."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from ml.features.records import to_table
from ml.schema import CANNOT_BE_READMITTED
from ml.warehouse.connection import transaction
from ml.warehouse.tables import predictions

_DISPOSITION: Final = "discharge_disposition_id"


@dataclass(frozen=True, slots=True)
class Window:
    """Answered records, the newest first; everything of length n, in the same order.

    Attributes:
        start: when the oldest was answered; where there is none, since when was looked.
        end: until when was looked.
        table: the records, with the columns of :data:`ml.schema.INPUTS`; NA for unknown, as earlier stays always are.
        versions: number of the model version that answered.
        probabilities: what it said.
        patients: whom it was asked about; a name of its own where the log does not say.
    """

    start: datetime
    end: datetime
    table: pd.DataFrame
    versions: NDArray[np.object_]
    probabilities: NDArray[np.float64]
    patients: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.table)

    def of_version(self, number: str) -> "Window":
        """The records that a version answered."""
        return self.rows(np.flatnonzero(self.versions == number))

    def rows(self, chosen: NDArray[np.intp]) -> "Window":
        """Some of the records, by their places."""
        table, people = self.table.iloc[chosen], self.patients[chosen]
        return Window(self.start, self.end, table, self.versions[chosen], self.probabilities[chosen], people)


def read_window(engine: sa.Engine, days: float, most: int, end: datetime | None = None) -> Window:
    """Read the newest logged predictions, those of load tests apart.

    Of an encounter that was asked about several times, the last counts. Deaths and discharges to hospice are left
    out, as they are of the reference: they cannot be readmitted.

    Args:
        engine: of the ``diabetes`` database.
        days: how old they may be.
        most: how many there may be.
        end: until when to look; by default now.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    end = end or datetime.now(UTC)
    start = end - timedelta(days=days)
    with transaction(engine) as connection:
        rows = connection.execute(_query(start, end, most)).all()
    return Window(
        min((row.predicted_at for row in rows), default=start),
        end,
        to_table([row.record for row in rows]),
        np.array([row.model_version for row in rows], dtype=object),
        np.array([row.probability for row in rows], dtype=np.float64),
        np.array([row.patient or f"of prediction {row.id}" for row in rows], dtype=object),
    )


def _query(start: datetime, end: datetime, most: int) -> sa.Select[Any]:
    later = predictions.alias("later")
    asked_again = sa.exists().where(
        later.c.encounter == predictions.c.encounter,
        sa.tuple_(later.c.predicted_at, later.c.id) > sa.tuple_(predictions.c.predicted_at, predictions.c.id),
        ~later.c.load_test,
        later.c.predicted_at <= end,
    )
    disposition = predictions.c.record[_DISPOSITION].as_integer()
    return (
        sa.select(predictions.c.id, predictions.c.predicted_at, predictions.c.model_version, predictions.c.record)
        .add_columns(predictions.c.probability, predictions.c.patient)
        .where(predictions.c.predicted_at.between(start, end), ~predictions.c.load_test, ~asked_again)
        .where(sa.or_(disposition.is_(None), disposition.not_in(sorted(CANNOT_BE_READMITTED))))
        .order_by(predictions.c.predicted_at.desc(), predictions.c.id.desc())
        .limit(most)
    )
