"""Carrying out the gate: judge a version beside production on the present test patients, record, move the alias."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pandas as pd
import sqlalchemy as sa

from ml.bundle import Record, load_bundle
from ml.errors import BundleError, RegistryError
from ml.evaluate import Interval, evaluate
from ml.export import records
from ml.features import patients, target
from ml.names import CHALLENGER, PRODUCTION
from ml.promote import Contender, Decision, decide
from ml.registry import Registry, Version
from ml.settings import MlSettings
from ml.warehouse.connection import alone
from ml.warehouse.datasets import read

log = logging.getLogger(__name__)

DECISION: Final = "gate.decision"
REASON: Final = "gate.reason"
REPLACED: Final = "gate.replaced"
ROLLED_BACK: Final = "gate.rolled_back"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the gate decided of a version. ``new`` is False when it had been decided before."""

    version: str
    decision: Decision
    new: bool


def run_gate(settings: MlSettings, engine: sa.Engine, registry: Registry, number: str | None = None) -> Outcome:
    """Decide on a version, once, and let ``production`` point to it if it passes.

    Args:
        settings: of this service.
        engine: of the ``diabetes`` database.
        registry: holds the version.
        number: the version; by default the one that ``challenger`` points to.

    Raises:
        RegistryError: there is no such version.
    """
    with alone(engine):
        return _decide_once(settings, engine, registry, number)


def _decide_once(settings: MlSettings, engine: sa.Engine, registry: Registry, number: str | None) -> Outcome:
    candidate = registry.version(number) if number else _challenger(registry)
    if ROLLED_BACK in candidate.tags:
        return Outcome(
            candidate.number, Decision(False, f"it was withdrawn on {candidate.tags[ROLLED_BACK]}"), new=False
        )
    if DECISION in candidate.tags:
        decision = Decision(candidate.tags[DECISION] == "promoted", candidate.tags.get(REASON, ""))
        log.info("Nothing new: version %s was %s: %s", candidate.number, candidate.tags[DECISION], decision.reason)
        return Outcome(candidate.number, decision, new=False)
    incumbent = registry.by_alias(PRODUCTION)
    if incumbent and incumbent.number == candidate.number:
        decision = Decision(True, "it is in production already")  # an earlier run ended before it could say so
    else:
        test = read(engine).test
        decision = decide(
            _contender(settings, registry, candidate, test),
            _contender(settings, registry, incumbent, test) if incumbent else None,
        )
    _carry_out(registry, candidate, incumbent, decision)
    return Outcome(candidate.number, decision, new=True)


def roll_back(registry: Registry) -> tuple[str, str]:
    """Let ``production`` point to the version it pointed to before.

    Returns:
        The version that was production, and the one that is now.

    Raises:
        RegistryError: there is no production version, it replaced none, or that one was trained on synthetic data
            and this one on real data.
    """
    present = registry.by_alias(PRODUCTION)
    if present is None:
        raise RegistryError("There is no production version to roll back.")
    if not (previous := present.tags.get(REPLACED)):
        raise RegistryError(f"Version {present.number} replaced no other version, so there is nothing to go back to.")
    if registry.version(previous).tags.get("data_source") == "synthetic" != present.tags.get("data_source"):
        raise RegistryError(
            f"Version {previous} was trained on synthetic data, which never replaces real data: version "
            f"{present.number} stays; train another one, or promote one with 'python -m ml promote'."
        )
    registry.point(PRODUCTION, previous)
    registry.tag(present.number, {ROLLED_BACK: _now()})
    log.info("Production: version %s again, version %s withdrawn", previous, present.number)
    return present.number, previous


def measure(settings: MlSettings, engine: sa.Engine, registry: Registry, number: str) -> Mapping[str, Interval]:
    """Metrics of a version on the present test patients, by its exported graph.

    Raises:
        BundleError: its bundle is not sound.
        RegistryError: there is no such version.
    """
    contender = _contender(settings, registry, registry.version(number), read(engine).test)
    if contender.fault is not None:
        raise BundleError(f"Version {number} is not sound: {contender.fault}")
    return contender.metrics


def predict(registry: Registry, requests: Sequence[Record], number: str | None = None) -> list[float]:
    """Probabilities of records by a version, by default production.

    Raises:
        RegistryError: there is no such version.
    """
    present = registry.version(number) if number else registry.by_alias(PRODUCTION)
    if present is None:
        raise RegistryError("There is no production model yet: run train_models_diabetes_simple.")
    with registry.downloaded(present.number) as directory:
        return [float(p) for p in load_bundle(directory).predict(requests)]


def _challenger(registry: Registry) -> Version:
    found = registry.by_alias(CHALLENGER)
    if found is None:
        raise RegistryError("There is no challenger: run train_models_diabetes_simple, or 'python -m ml train'.")
    return found


def _contender(settings: MlSettings, registry: Registry, version: Version, test: pd.DataFrame) -> Contender:
    identity = (version.number, version.tags.get("data_source", "synthetic"), version.tags.get("data_version", ""))
    try:
        with registry.downloaded(version.number) as directory:
            risks = load_bundle(directory).predict(records(test)).astype("float64")
    except BundleError as fault:
        return Contender(*identity, metrics={}, fault=str(fault))
    return Contender(*identity, evaluate(target(test), risks, patients(test), settings.bootstrap_samples))


def _carry_out(registry: Registry, candidate: Version, incumbent: Version | None, decision: Decision) -> None:
    verdict = "promoted" if decision.promote else "refused"
    tags = {DECISION: verdict, REASON: decision.reason, "gate.decided_at": _now()}
    if decision.promote and (incumbent is None or incumbent.number != candidate.number):
        # The way back first, the alias next: should the decision's tags fail, the next run finds the alias in place.
        if incumbent:
            registry.tag(candidate.number, {REPLACED: incumbent.number})
        registry.point(PRODUCTION, candidate.number)
    registry.tag(candidate.number, tags)
    log.info("Version %s %s: %s", candidate.number, verdict, decision.reason)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
