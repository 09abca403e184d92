"""Carrying out the gate: judge a version beside production on the present test patients, record, move the alias."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ml.core.bundle import load_bundle
from ml.core.errors import BundleError, RegistryError
from ml.core.names import CHALLENGER, PRODUCTION
from ml.core.settings import MlSettings
from ml.evaluation.bootstrap import Interval, evaluate
from ml.features.tables import patients, target
from ml.promotion.comparison import ScoredCandidate, as_ledger, compare, score_candidate
from ml.promotion.evidence import Decision, Evidence, Present, Rule
from ml.promotion.gate_lock import gate_lock
from ml.promotion.ledger import Action, Ledger, current_user
from ml.promotion.production_alias import DECISION, REASON, ROLLED_BACK, RULE, apply, manual_move, reconcile
from ml.promotion.rules import decide
from ml.registry.client import ModelVersion, Registry
from ml.schema import Record
from ml.training.code_version import code_version
from ml.warehouse.datasets import Dataset, read

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the gate decided of a version.

    ``new`` is False when it had been decided before; ``note`` says it when production was moved by hand.
    """

    version: str
    decision: Decision
    new: bool
    note: str | None = None


def run_gate(
    settings: MlSettings, engine: sa.Engine, registry: Registry, number: str | None = None, actor: str | None = None
) -> Outcome:
    """Decide on a version, once, and let ``production`` point to it if it passes.

    Args:
        settings: of this service.
        engine: of the ``diabetes`` database.
        registry: holds the version.
        number: the version; by default the one that ``challenger`` points to.
        actor: who asks for the decision, for the ledger; by default the user who runs this program.

    Raises:
        RegistryError: there is no such version, or MLflow cannot be reached.
        WarehouseError: PostgreSQL cannot be reached.
    """
    actor = actor or current_user()
    with gate_lock(engine):
        ledger = Ledger(engine)
        incumbent = reconcile(registry, ledger, actor)
        note = manual_move(ledger)
        candidate = registry.version(number) if number else _challenger(registry)
        known = _known(candidate, incumbent)
        if known is not None:
            log.info("Nothing new: version %s: %s", candidate.number, known.reason)
            return Outcome(candidate.number, known, new=False, note=note)
        decision, found = _judge(settings, read(engine), registry, candidate, incumbent)
        entry = ledger.add(
            Action.PROMOTED if decision.promote else Action.REFUSED,
            candidate.number,
            incumbent.number if incumbent else None,
            actor=actor,
            reason=decision.reason,
            rule=decision.rule,
            figures=found,
        )
        apply(registry, ledger, entry)
        return Outcome(candidate.number, decision, new=True, note=note)


def measure(settings: MlSettings, engine: sa.Engine, registry: Registry, number: str) -> Mapping[str, Interval]:
    """Metrics of a version on the present test patients, by its exported graph.

    Raises:
        BundleError: its bundle is not sound.
        RegistryError: there is no such version.
    """
    test = read(engine).test
    examined = score_candidate(registry, registry.version(number), test)
    if examined.risks is None:
        raise BundleError(f"Version {number} is not sound: {examined.contender.fault}")
    return evaluate(target(test), examined.risks, patients(test), settings.bootstrap_samples)


def predict(registry: Registry, requests: Sequence[Record], number: str | None = None) -> list[float]:
    """Probabilities of records by a version, by default production.

    Raises:
        RegistryError: there is no such version.
    """
    present = registry.version(number) if number else registry.version_by_alias(PRODUCTION)
    if present is None:
        raise RegistryError("There is no production model yet: run train_models_diabetes_simple.")
    with registry.download(present.number) as directory:
        return [float(p) for p in load_bundle(directory).predict(requests)]


def _challenger(registry: Registry) -> ModelVersion:
    found = registry.version_by_alias(CHALLENGER)
    if found is None:
        raise RegistryError("There is no challenger: run train_models_diabetes_simple, or 'python -m ml train'.")
    return found


def _known(candidate: ModelVersion, incumbent: ModelVersion | None) -> Decision | None:
    """What is known of a version that needs no judging, from its tags."""
    tags = candidate.tags
    decided = Decision(
        tags.get(DECISION) == "promoted",
        tags.get(REASON, ""),
        next((rule for rule in Rule if rule == tags.get(RULE)), Rule.UNRECORDED),
    )
    if incumbent is not None and incumbent.number == candidate.number:
        return decided if decided.promote else Decision(True, "it is in production already", Rule.IN_PRODUCTION)
    if ROLLED_BACK in tags:
        return Decision(False, f"it was withdrawn on {tags[ROLLED_BACK]}", Rule.WITHDRAWN)
    return decided if DECISION in tags else None


def _judge(
    settings: MlSettings, dataset: Dataset, registry: Registry, candidate: ModelVersion, incumbent: ModelVersion | None
) -> tuple[Decision, dict[str, object]]:
    """The decision on a version beside the one in production, and the figures that it rests on."""
    test, samples = dataset.test, settings.bootstrap_samples
    challenger = score_candidate(registry, candidate, test)
    holder = score_candidate(registry, incumbent, test) if incumbent else None
    evidence: Evidence | None = None
    if challenger.risks is not None:
        log.info("Comparing on %s test encounters", f"{len(test):,}")
        evidence = compare(test, challenger.risks, holder.risks if holder else None, samples)
    present = Present(dataset.version.data_version, code_version())
    decision = decide(challenger.contender, holder.contender if holder else None, evidence, present)
    sides: dict[str, ScoredCandidate | None] = {"candidate": challenger, "incumbent": holder}
    in_place = {"data_version": present.data_version, "code_version": present.code_version}
    return decision, {**as_ledger(evidence, sides), "present": in_place, "bootstrap_samples": samples}
