"""A monitoring run and its storage in the tables ``monitor_runs`` and ``monitor_drift``."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ml.monitoring.drift import Finding, State
from ml.warehouse.connection import transaction
from ml.warehouse.tables import monitor_drift, monitor_runs


@dataclass(frozen=True, slots=True)
class MonitoringRun:
    """Result of one run of the drift tests."""

    run_id: int  # 0 before it is saved
    model_version: str  # in production; defines both references
    reference_data_version: str
    window_start: datetime  # time of the oldest prediction
    window_end: datetime
    predictions: int  # in the window, without load tests
    state: State
    findings: Sequence[Finding]
    details: Mapping[str, Any]  # "notes" for people; "mlflow_run" with the report

    @property
    def drifted(self) -> list[Finding]:
        """Findings in drift, by falling distance."""
        found = [finding for finding in self.findings if finding.state is State.DRIFT]
        return sorted(found, key=lambda finding: -(finding.distance or 0))


def save_run(engine: sa.Engine, run: MonitoringRun) -> MonitoringRun:
    """Insert a run with its findings in one transaction; returns it with its number.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    values = {name: value for name, value in asdict(run).items() if name not in ("run_id", "findings")}
    with transaction(engine) as connection:
        number = connection.execute(monitor_runs.insert().values(**values).returning(monitor_runs.c.id)).scalar_one()
        rows = [{"run_id": number, **asdict(finding)} for finding in run.findings]
        if rows:
            connection.execute(monitor_drift.insert(), rows)
    return replace(run, run_id=number)


def save_details(engine: sa.Engine, run_id: int, details: Mapping[str, Any]) -> None:
    """Replace the details of a saved run.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    with transaction(engine) as connection:
        connection.execute(monitor_runs.update().where(monitor_runs.c.id == run_id).values(details=details))
