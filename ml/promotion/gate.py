"""The gate: compares a version with production on the present test patients, records the decision, moves the alias."""

import logging
from dataclasses import dataclass

import sqlalchemy as sa

from ml.core.errors import RegistryError
from ml.core.names import CHALLENGER
from ml.core.settings import MlSettings
from ml.promotion.comparison import compare, ledger_figures, score_candidate
from ml.promotion.evidence import Decision, Present
from ml.promotion.ledger import Action, Ledger, current_user
from ml.promotion.production_alias import apply, manual_move, reconcile
from ml.promotion.rules import decide
from ml.promotion.version_tags import earlier_decision
from ml.registry.client import ModelVersion, Registry
from ml.training.code_version import code_version
from ml.warehouse.datasets import Dataset, read

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Decision on a version. ``new`` is False if it was made earlier; ``note`` reports a manual move of the alias."""

    version: str
    decision: Decision
    new: bool
    note: str | None = None


def run_gate(
    settings: MlSettings, engine: sa.Engine, registry: Registry, number: str | None = None, actor: str | None = None
) -> Outcome:
    """Decide on a version, by default the challenger, once, and point ``production`` to it if it passes.

    The ledger records ``actor``, by default the user of this process.

    Raises:
        RegistryError, WarehouseError: a service cannot be reached, or there is no such version.
        NoDataError: nothing has been ingested.
    """
    actor = actor or current_user()
    ledger = Ledger(engine)
    with ledger.lock():
        incumbent = reconcile(registry, ledger, actor)
        note = manual_move(ledger)
        version = registry.version(number) if number else _challenger(registry)
        in_production = incumbent is not None and incumbent.number == version.number
        earlier = earlier_decision(version.tags, in_production)
        if earlier is not None:
            log.info("Nothing new: version %s: %s", version.number, earlier.reason)
            return Outcome(version.number, earlier, new=False, note=note)
        decision, figures = _evaluate(settings, read(engine), registry, version, incumbent)
        entry = ledger.add(
            Action.PROMOTED if decision.promote else Action.REFUSED,
            version.number,
            incumbent.number if incumbent else None,
            actor=actor,
            reason=decision.reason,
            rule=decision.rule,
            figures=figures,
        )
        apply(registry, ledger, entry)
        return Outcome(version.number, decision, new=True, note=note)


def _challenger(registry: Registry) -> ModelVersion:
    challenger = registry.version_by_alias(CHALLENGER)
    if challenger is None:
        raise RegistryError("There is no challenger: run train_models_diabetes_simple, or 'python -m ml train'.")
    return challenger


def _evaluate(
    settings: MlSettings, dataset: Dataset, registry: Registry, version: ModelVersion, production: ModelVersion | None
) -> tuple[Decision, dict[str, object]]:
    test, samples = dataset.test, settings.bootstrap_samples
    scored = score_candidate(registry, version, test)
    scored_production = score_candidate(registry, production, test) if production else None
    evidence = None
    if scored.risks is not None:
        log.info("Comparing on %s test encounters", f"{len(test):,}")
        evidence = compare(test, scored.risks, scored_production.risks if scored_production else None, samples)
    present = Present(dataset.version.data_version, code_version())
    candidate, incumbent = scored.candidate, scored_production.candidate if scored_production else None
    figures = {
        **ledger_figures(evidence, {"candidate": candidate, "incumbent": incumbent}),
        "present": {"data_version": present.data_version, "code_version": present.code_version},
        "bootstrap_samples": samples,
    }
    return decide(candidate, incumbent, evidence, present), figures
