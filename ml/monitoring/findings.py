"""What a run of the monitoring found, in the tables ``monitor_runs`` and ``monitor_drift``."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ml.monitoring.drift import Finding, Kind, State
from ml.warehouse.connection import transaction
from ml.warehouse.tables import monitor_drift, monitor_runs


@dataclass(frozen=True, slots=True)
class Monitored:
    """One run: which window was compared with what, and what came of each test.

    Attributes:
        run_id: number of the run; 0 before it is written.
        model_version: the one in production, by whose training data and answers the window was judged.
        reference_data_version: of the data that were compared with.
        window_start: when the oldest prediction of the window was made.
        window_end: until when was looked.
        predictions: in the window, load tests apart.
        state: of the run.
        findings: of the tests.
        details: ``notes`` for people, and ``mlflow_run`` with the report.
    """

    run_id: int
    model_version: str
    reference_data_version: str
    window_start: datetime
    window_end: datetime
    predictions: int
    state: State
    findings: Sequence[Finding]
    details: Mapping[str, Any]

    @property
    def drifted(self) -> list[Finding]:
        """What is in drift, the furthest first."""
        found = [finding for finding in self.findings if finding.state is State.DRIFT]
        return sorted(found, key=lambda finding: -(finding.distance or 0))

    def with_details(self, **more: Any) -> "Monitored":
        """The same with more to tell."""
        return replace(self, details={**self.details, **more})


def write(engine: sa.Engine, monitored: Monitored) -> Monitored:
    """Keep a run with its findings, all of it or nothing; returns it with its number.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    run = {name: value for name, value in asdict(monitored).items() if name not in ("run_id", "findings")}
    with transaction(engine) as connection:
        number = connection.execute(monitor_runs.insert().values(**run).returning(monitor_runs.c.id)).scalar_one()
        rows = [{"run_id": number, **asdict(finding)} for finding in monitored.findings]
        if rows:
            connection.execute(monitor_drift.insert(), rows)
    return replace(monitored, run_id=number)


def newest(engine: sa.Engine) -> Monitored | None:
    """The run that was written last, if there is any.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    with transaction(engine, isolation="REPEATABLE READ") as connection:
        run = connection.execute(sa.select(monitor_runs).order_by(monitor_runs.c.id.desc()).limit(1)).first()
        if run is None:
            return None
        of_run = sa.select(monitor_drift).where(monitor_drift.c.run_id == run.id)
        rows = connection.execute(of_run.order_by(monitor_drift.c.kind, monitor_drift.c.feature)).all()
    fields = {name: value for name, value in run._mapping.items() if name not in ("id", "finished_at", "state")}
    return Monitored(run_id=run.id, state=State(run.state), findings=[_finding(row) for row in rows], **fields)


def _finding(row: sa.Row[Any]) -> Finding:
    fields = {name: value for name, value in row._mapping.items() if name != "run_id"}
    return Finding(**{**fields, "kind": Kind(row.kind), "state": State(row.state)})
