"""Simulation of weeks of traffic: replays test encounters over HTTP, backdates their predictions, reports outcomes.

Simulated predictions count in all metrics of monitoring, so a simulation never runs on a log with real predictions.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from ml.core.settings import MlSettings
from ml.monitoring.matured_predictions import SIMULATION_PREFIX
from ml.simulation.api_client import ApiClient
from ml.simulation.backdating import backdate, refuse_real_predictions, wait_until_logged
from ml.simulation.replay import sample_encounters
from ml.warehouse.datasets import read

Progress = Callable[[str, int, int], None]
"""Called with a step of :data:`STEPS`, the number of finished items, and the total."""

STEPS: Final = ("Predicting", "Waiting for the log", "Reporting outcomes")

_OUTCOMES_PER_REQUEST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Parameters of a simulation."""

    records: int
    days: int  # period of the predictions, up to now
    drift: str = "none"  # a key of ml.simulation.drift_scenarios.SHIFTS
    known: str = "full"  # a key of ml.simulation.replay.KNOWN
    seed: int = 296
    never_reported: float = 0.1  # share of the outcomes that are never reported
    replace: bool = False  # delete earlier simulations


@dataclass(frozen=True, slots=True)
class Simulated:
    """Result of a simulation; request ids are ``sim-<run>-<n>``."""

    run: str
    records: int
    outcomes: int


def simulate(settings: MlSettings, engine: sa.Engine, api: ApiClient, plan: Plan, on_progress: Progress) -> Simulated:
    """Run a simulation.

    Raises:
        SimulationError: the log holds real predictions, there are too few encounters, or a request failed.
        NoDataError: nothing has been ingested.
        WarehouseError: PostgreSQL cannot be reached.
    """
    refuse_real_predictions(engine)
    predicting, logging, reporting = STEPS
    encounters = sample_encounters(read(engine).test, plan.records, plan.drift, plan.known, plan.seed)
    run = secrets.token_hex(4)
    ids = [f"{SIMULATION_PREFIX}{run}-{number}" for number in range(len(encounters))]
    for number, (request_id, encounter) in enumerate(zip(ids, encounters, strict=True), 1):
        api.predict(encounter.record, request_id)
        on_progress(predicting, number, len(ids))
    wait_until_logged(engine, ids, lambda count: on_progress(logging, count, len(ids)))
    now = datetime.now(UTC)
    moments = dict(zip(ids, spread(now, plan.days, len(ids)), strict=True))
    backdate(engine, moments, delete_earlier=plan.replace)
    positives = [encounter.positive for encounter in encounters]
    outcomes = known_outcomes(now, moments, positives, settings.outcome_maturity_days, plan)
    for start in range(0, len(outcomes), _OUTCOMES_PER_REQUEST):
        part = outcomes[start : start + _OUTCOMES_PER_REQUEST]
        api.report_outcomes(part)
        on_progress(reporting, start + len(part), len(outcomes))
    return Simulated(run, len(ids), len(outcomes))


def spread(now: datetime, days: int, count: int) -> list[datetime]:
    """Evenly spaced times over the last days, ascending."""
    return [now - timedelta(days=days * (1 - (place + 0.5) / count)) for place in range(count)]


def known_outcomes(
    now: datetime, moments: Mapping[str, datetime], positives: Sequence[bool], maturity_days: int, plan: Plan
) -> list[dict[str, Any]]:
    """Outcomes that are known and reported by ``now``, in the fields of ``POST /feedback``.

    ``moments`` are the times of the predictions by request id, in the order of ``positives``. A readmission is known on
    a random day of the 30 after discharge; no readmission is known at maturity.
    """
    generator = np.random.default_rng(plan.seed)
    is_reported = generator.random(len(moments)) >= plan.never_reported
    days = np.where(positives, generator.integers(1, 31, len(moments)), maturity_days)
    known_on = [moment + timedelta(days=int(after)) for moment, after in zip(moments.values(), days, strict=True)]
    return [
        {"request_id": name, "readmitted_within_30_days": positive, "known_on": on.date().isoformat()}
        for name, positive, on, reported in zip(moments, positives, known_on, is_reported, strict=True)
        if reported and on <= now
    ]
