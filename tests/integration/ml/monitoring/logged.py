"""A prediction log with a past: predictions of any age, what was told of them, and what was delivered."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ml.core.pseudonyms import Pseudonyms
from ml.schema import EXAMPLE_RECORD
from ml.warehouse.tables import ingestions, monitor_runs, outcomes, predictions, raw_data

NOW = datetime.now(UTC)
KEY = "key of the tests"
HASHES = Pseudonyms(KEY.encode(), "hash")


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def log(engine: sa.Engine, *changes: dict[str, Any]) -> None:
    """Predictions, one per argument: 40 days old, by version 1, of nobody in particular, unless it says otherwise."""
    plain: dict[str, Any] = {
        "position": 0,
        "predicted_at": days_ago(40),
        "model_version": "1",
        "data_source": "real",
        "record": {},
        "known_fields": 0,
        "probability": 0.1,
        "load_test": False,
        "client": "address:tests",
        "patient": None,
        "encounter": None,
    }
    rows = [{**plain, "request_id": f"r-{number}", **change} for number, change in enumerate(changes)]
    with engine.begin() as connection:
        connection.execute(predictions.insert(), rows)


def tell(engine: sa.Engine, *told: tuple[str, bool]) -> None:
    """Outcomes by request id."""
    rows = [
        {
            "request_id": request_id,
            "position": 0,
            "readmitted_within_30_days": positive,
            "known_on": NOW.date(),
            "client": "address:tests",
        }
        for request_id, positive in told
    ]
    with engine.begin() as connection:
        connection.execute(outcomes.insert(), rows)


def deliver(engine: sa.Engine, encounters: Iterable[dict[str, Any]], ingested_at: datetime = NOW) -> None:
    """Encounters as an ingestion leaves them."""
    row = {"source": "file", "provenance": "real", "content_sha256": "0", "rows_accepted": 1, "rows_rejected": 0}
    with engine.begin() as connection:
        new = ingestions.insert().values(**row, rows_written=1).returning(ingestions.c.id)
        common = {**EXAMPLE_RECORD, "patient_nbr": 1, "ingestion_id": connection.execute(new).scalar_one()}
        rows = [{**common, "ingested_at": ingested_at, **encounter} for encounter in encounters]
        connection.execute(raw_data.insert(), rows)


def run_of_window(engine: sa.Engine, days: float = 7) -> int:
    """A monitoring run over the last days."""
    row = {
        "model_version": "1",
        "reference_data_version": "0",
        "window_start": days_ago(days),
        "window_end": datetime.now(UTC),
        "predictions": 0,
        "state": "ok",
        "details": {},
    }
    with engine.begin() as connection:
        return int(connection.execute(monitor_runs.insert().values(**row).returning(monitor_runs.c.id)).scalar_one())
