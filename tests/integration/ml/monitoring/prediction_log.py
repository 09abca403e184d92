"""Fills a prediction log: predictions of any age, reported outcomes, ingested encounters and monitoring runs."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ml.core.pseudonyms import Pseudonyms
from ml.monitoring.drift import Finding, Kind, State
from ml.monitoring.findings import MonitoringRun
from ml.schema import EXAMPLE_RECORD
from ml.warehouse.tables import ingestions, monitor_drift, monitor_runs, outcomes, predictions, raw_data

NOW = datetime.now(UTC)
TODAY = NOW.date()
KEY = "key of the tests"
HASHES = Pseudonyms(KEY.encode(), "hash")


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def log_predictions(engine: sa.Engine, *changes: dict[str, Any]) -> None:
    """Insert predictions, one per argument; by default 40 days old, of version 1, without identifiers."""
    default: dict[str, Any] = {
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
    rows = [{**default, "request_id": f"r-{number}", **change} for number, change in enumerate(changes)]
    with engine.begin() as connection:
        connection.execute(predictions.insert(), rows)


def report_outcomes(engine: sa.Engine, *outcomes_by_request: tuple[str, bool], known_on: date = TODAY) -> None:
    """Insert outcomes by request id."""
    rows = [
        {
            "request_id": request_id,
            "position": 0,
            "readmitted_within_30_days": positive,
            "known_on": known_on,
            "client": "address:tests",
        }
        for request_id, positive in outcomes_by_request
    ]
    with engine.begin() as connection:
        connection.execute(outcomes.insert(), rows)


def ingest_encounters(engine: sa.Engine, encounters: Iterable[dict[str, Any]], ingested_at: datetime = NOW) -> None:
    """Insert encounters as an ingestion does."""
    row = {"source": "file", "provenance": "real", "content_sha256": "0", "rows_accepted": 1, "rows_rejected": 0}
    with engine.begin() as connection:
        new = ingestions.insert().values(**row, rows_written=1).returning(ingestions.c.id)
        common = {**EXAMPLE_RECORD, "patient_nbr": 1, "ingestion_id": connection.execute(new).scalar_one()}
        rows = [{**common, "ingested_at": ingested_at, **encounter} for encounter in encounters]
        connection.execute(raw_data.insert(), rows)


def insert_run(engine: sa.Engine, days: float = 7) -> int:
    """Insert a monitoring run over the last days; returns its id."""
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


def latest_run(engine: sa.Engine) -> MonitoringRun | None:
    """Read the last monitoring run, if there is any."""
    with engine.begin() as connection:
        run = connection.execute(sa.select(monitor_runs).order_by(monitor_runs.c.id.desc()).limit(1)).mappings().first()
        if run is None:
            return None
        of_run = sa.select(monitor_drift).where(monitor_drift.c.run_id == run["id"])
        rows = connection.execute(of_run).mappings().all()
    findings = [
        Finding(**{**row, "kind": Kind(row["kind"]), "state": State(row["state"])})
        for row in ({name: value for name, value in row.items() if name != "run_id"} for row in rows)
    ]
    fields = {name: value for name, value in run.items() if name not in ("id", "finished_at", "state")}
    return MonitoringRun(run_id=run["id"], state=State(run["state"]), findings=findings, **fields)
