"""Held-out encounters as traffic of the last weeks, with the outcomes that would be known by now.

For demonstrations and tests: what takes a hospital months can be seen in minutes. The requests are real, made over
HTTP and logged by the service; then they are dated back. Never for a real installation, where it would falsify what is
realised.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from ml.core.settings import MlSettings
from ml.monitoring.matured_predictions import SIMULATION_PREFIX
from ml.simulation.api_client import Service
from ml.simulation.backdating import date_back, refuse_real_installation, wait_until_logged
from ml.simulation.replay import Replayed, replayed
from ml.warehouse.datasets import read

Progress = Callable[[str, int, int], None]
"""Is told a step of :data:`STEPS`, how much of it is done, and of how much."""

PREDICTING: Final = "Predicting"
LOGGING: Final = "Waiting for the log"
TELLING: Final = "Telling outcomes"
STEPS: Final = (PREDICTING, LOGGING, TELLING)

_OUTCOMES_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate."""

    records: int
    days: int  # over which the predictions are spread, up to now
    drift: str = "none"  # a key of ml.simulation.drift_scenarios.SHIFTS
    known: str = "full"  # a key of ml.simulation.replay.KNOWN
    seed: int = 296
    never_told: float = 0.1  # share of the outcomes that nobody tells
    force: bool = False  # also beside predictions that are not of simulations


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was done. Request ids are ``sim-<run>-<n>``."""

    run: str
    records: int
    told: int


def simulate(settings: MlSettings, engine: sa.Engine, service: Service, plan: Plan, on_progress: Progress) -> Simulated:
    """Replay encounters through the service, date them back, and tell outcomes.

    Raises:
        SimulationError: the log holds other predictions, there are too few encounters, or the service refuses.
        NoDataError: nothing has been ingested.
        WarehouseError: PostgreSQL cannot be reached.
    """
    if not plan.force:
        refuse_real_installation(engine)
    encounters = replayed(read(engine).test, plan.records, plan.drift, plan.known, plan.seed)
    run = secrets.token_hex(4)
    ids = [f"{SIMULATION_PREFIX}{run}-{number}" for number in range(len(encounters))]
    for number, (request_id, encounter) in enumerate(zip(ids, encounters, strict=True), 1):
        service.predict(encounter.record, request_id)
        on_progress(PREDICTING, number, len(ids))
    wait_until_logged(engine, ids, lambda count: on_progress(LOGGING, count, len(ids)))
    now = datetime.now(UTC)
    moments = spread(now, plan.days, len(ids))
    date_back(engine, dict(zip(ids, moments, strict=True)))
    outcomes = outcomes_by(now, ids, moments, encounters, settings.outcome_maturity_days, plan)
    for start in range(0, len(outcomes), _OUTCOMES_AT_ONCE):
        service.tell(outcomes[start : start + _OUTCOMES_AT_ONCE])
        on_progress(TELLING, min(start + _OUTCOMES_AT_ONCE, len(outcomes)), len(outcomes))
    return Simulated(run, len(ids), len(outcomes))


def spread(now: datetime, days: int, count: int) -> list[datetime]:
    """Moments spread evenly over the last days, the oldest first."""
    return [now - timedelta(days=days * (1 - (place + 0.5) / count)) for place in range(count)]


def outcomes_by(
    now: datetime,
    ids: Sequence[str],
    moments: Sequence[datetime],
    encounters: Sequence[Replayed],
    maturity_days: int,
    plan: Plan,
) -> list[dict[str, Any]]:
    """What a hospital would have told by now, as ``POST /feedback`` takes it.

    That a patient came back is known on the day, which is drawn from the 30 after discharge; that none came, once the
    outcome is mature. A share of all is never told.
    """
    generator = np.random.default_rng(plan.seed)
    is_told = generator.random(len(ids)) >= plan.never_told
    days = np.where([e.positive for e in encounters], generator.integers(1, 31, len(ids)), maturity_days)
    known = [moment + timedelta(days=int(after)) for moment, after in zip(moments, days, strict=True)]
    return [
        {"request_id": name, "readmitted_within_30_days": e.positive, "known_on": on.date().isoformat()}
        for name, e, on, told in zip(ids, encounters, known, is_told, strict=True)
        if told and on <= now
    ]
