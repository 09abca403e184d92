"""The gate: compares a version with production on the present test patients, records the decision, moves the alias."""

import logging
from dataclasses import dataclass

import sqlalchemy as sa

from ml.core.errors import RegistryError
from ml.core.names import CHALLENGER
from ml.core.settings import MlSettings
from ml.core.signing.approval import Verified
from ml.promotion.approvals import Approver
from ml.promotion.comparison import compare, ledger_figures, score_candidate
from ml.promotion.evidence import Decision, Present, Rule
from ml.promotion.ledger import Action, Ledger, current_user
from ml.promotion.production_alias import apply, approved_production, manual_move, reconcile
from ml.promotion.rules import decide
from ml.promotion.standing import Standing
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
    settings: MlSettings,
    engine: sa.Engine,
    registry: Registry,
    number: str | None = None,
    actor: str | None = None,
    *,
    overrule: bool = True,
) -> Outcome:
    """Decide on a version, by default the challenger, once, and point ``production`` to it if it passes.

    If it was decided on before, and alias or approval were changed by hand since, they are restored; without
    ``overrule`` not if the alias was moved to another approved version. The ledger records ``actor``, by default the
    user of this process.

    Raises:
        RegistryError, WarehouseError: a service cannot be reached, or there is no such version.
        SettingsError: the gate's keys are not there.
        UnapprovedError: the version was approved with other files.
        NoDataError: nothing has been ingested.
    """
    actor = actor or current_user()
    ledger, approver = Ledger(engine), Approver.from_settings(settings)
    with ledger.lock():
        pointed = reconcile(registry, ledger, approver, actor)
        note = manual_move(ledger)
        version = registry.version(number) if number else _challenger(registry)
        standing = Standing.of(registry, ledger, approver, version, pointed, overrule=overrule)
        if standing.decision is not None:
            log.info("Nothing new: version %s: %s", version.number, standing.decision.reason)
            return Outcome(version.number, standing.decision, new=False, note=note)
        if standing.restored_sha256 is not None:
            decision, figures, incumbent = _restoration(version, pointed), dict[str, object](), None
            digest: str | None = standing.restored_sha256
        else:
            incumbent = approved_production(registry, ledger, approver, pointed)
            if incumbent is not None and incumbent.number == version.number:
                incumbent = None
            approval = approver.approval_of(ledger, incumbent.number) if incumbent else None
            decision, figures, digest = _evaluate(settings, read(engine), registry, version, incumbent, approval)
        entry = ledger.add(
            Action.PROMOTED if decision.promote else Action.REFUSED,
            version.number,
            incumbent.number if incumbent else None,
            actor=actor,
            reason=decision.reason,
            rule=decision.rule,
            figures=figures,
            sign=approver.sign(version.number, digest) if decision.promote and digest else None,
        )
        apply(registry, ledger, entry, pointed.number if pointed else None)
        return Outcome(version.number, decision, new=True, note=note)


def _restoration(version: ModelVersion, pointed: ModelVersion | None) -> Decision:
    if pointed is not None and pointed.number == version.number:
        return Decision(True, "it is in production and its approval is written to MLflow again", Rule.RESTORED)
    there = f"version {pointed.number}" if pointed else "no version"
    return Decision(True, f"production pointed to {there} and points to the decided version again", Rule.RESTORED)


def _challenger(registry: Registry) -> ModelVersion:
    challenger = registry.version_by_alias(CHALLENGER)
    if challenger is None:
        raise RegistryError("There is no challenger: run train_models_diabetes_simple, or 'python -m ml train'.")
    return challenger


def _evaluate(
    settings: MlSettings,
    dataset: Dataset,
    registry: Registry,
    version: ModelVersion,
    production: ModelVersion | None,
    approval: Verified | None,
) -> tuple[Decision, dict[str, object], str | None]:
    test, samples = dataset.test, settings.bootstrap_samples
    scored = score_candidate(registry, version, test)
    scored_production = score_candidate(registry, production, test, approval) if production else None
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
    return decide(candidate, incumbent, evidence, present), figures, scored.manifest_sha256
