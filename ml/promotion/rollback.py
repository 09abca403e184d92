"""Rollbacks: which version to go back to, whether it may be production, and the move, once for each idempotency key."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from ml.core.errors import RegistryRefusalError
from ml.core.settings import MlSettings
from ml.core.signing.approval import check_manifest
from ml.promotion.approvals import Approver, sound_digest
from ml.promotion.ledger import Action, Entry, Ledger
from ml.promotion.production_alias import apply, named, reconcile
from ml.promotion.version_tags import ROLLED_BACK
from ml.registry.client import ModelVersion, Registry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rollback:
    """A rollback that was carried out. ``new`` is False if an earlier attempt had moved the alias already."""

    target: str
    withdrawn: str | None  # None: there was no production
    new: bool


def roll_back(
    settings: MlSettings,
    engine: sa.Engine,
    registry: Registry,
    actor: str,
    to: str | None = None,
    idempotency_key: str | None = None,
    reason: str | None = None,
) -> Rollback:
    """Point ``production`` to the version that it replaced, or to a given one.

    With an ``idempotency_key``, such as that of a DAG run, production goes back once: a repeated call finishes the
    rollback that the first one began, or reports it. Without a key, an interrupted rollback that took effect is
    completed and reported, and nothing else is done unless ``to`` is another version.

    Raises:
        SettingsError: the gate's keys are not there.
        RegistryRefusalError: there is nothing to go back to, or the target is refused, or another decision was made
            since the rollback with this key.
        BundleError, UnapprovedError: the target is refused, see ``validate_rollback_target``.
        RegistryError, WarehouseError: a service cannot be reached, or somebody moved the alias in the meantime.
    """
    ledger, approver = Ledger(engine), Approver.from_settings(settings)
    with ledger.lock():
        interrupted = ledger.newest()
        production = reconcile(registry, ledger, approver, actor)
        number = production.number if production else None
        earlier = ledger.rollback_of(idempotency_key) if idempotency_key else None
        if idempotency_key is None and interrupted is not None and _took_effect(interrupted, number, to):
            return _reported(interrupted)
        if earlier is not None:
            _check_unchanged(earlier, number)
            if earlier.completed_at is not None:
                return _reported(earlier)
            to, rule = earlier.version, earlier.rule
        else:
            rule = "asked_for" if to else "previous"
        target = registry.version(to) if to else _previous(registry, ledger, number)
        digest = validate_rollback_target(registry, ledger, approver, production, target)
        decided = ledger.decided()
        # A move by hand to the target is made official: then the version that was decided on last is withdrawn.
        withdrawn = decided.version if decided and number == target.number else number
        ending = f" and version {withdrawn} is withdrawn" if withdrawn else ""
        why = f": {reason}" if reason else ""
        entry = ledger.add(
            Action.ROLLED_BACK,
            target.number,
            withdrawn,
            actor=actor,
            reason=f"version {target.number} is production again{ending}{why}",
            rule=rule,
            sign=approver.sign(target.number, digest),
            idempotency_key=idempotency_key,
        )
        apply(registry, ledger, entry, number)
        return Rollback(target.number, withdrawn, new=True)


def rollback_target(registry: Registry, ledger: Ledger, pointed: str | None) -> ModelVersion | None:
    """The version to go back to from the one that the alias points to, or None.

    After a manual move it is the version that was decided last; else the one that this version replaced. Versions that
    were withdrawn, deleted, or never approved are skipped: the target is then what they replaced, and so on.
    """
    for number in _earlier(ledger, pointed):
        if ledger.has_decided_for(number) and registry.exists(number):
            version = registry.version(number)
            if ROLLED_BACK not in version.tags:
                return version
    return None


def _earlier(ledger: Ledger, pointed: str | None) -> Iterator[str]:
    decided = ledger.decided()
    number = decided.version if decided else None
    if number is not None and number != pointed:
        yield number
    seen: set[str] = set()
    while number is not None and number not in seen:
        seen.add(number)
        number = ledger.version_replaced_by(number)
        if number is not None and number not in seen:
            yield number


def validate_rollback_target(
    registry: Registry, ledger: Ledger, approver: Approver, production: ModelVersion | None, target: ModelVersion
) -> str:
    """Check that a version may replace production; returns the SHA-256 of its manifest.

    Raises:
        RegistryRefusalError: it is production already, was never approved, or was trained on synthetic data and
            production on real data.
        BundleError: its bundle is not valid.
        UnapprovedError: its files are not those that were approved.
    """
    decided = ledger.decided()
    if production and decided and target.number == production.number == decided.version:
        raise RegistryRefusalError(f"Version {target.number} is in production already.")
    if not ledger.has_decided_for(target.number):
        raise RegistryRefusalError(
            f"Version {target.number} was never approved by the gate: run `python -m ml promote {target.number}`."
        )
    if production and target.tags.get("data_source") == "synthetic" != production.tags.get("data_source"):
        raise RegistryRefusalError(
            f"Version {target.number} was trained on synthetic data, which never replaces real data: version "
            f"{production.number} stays; train another one, or promote one with 'python -m ml promote'."
        )
    digest = sound_digest(registry, target)
    approval = approver.approval_of(ledger, target.number)
    if approval is not None:  # versions of an earlier release have none
        check_manifest(approval, digest)
    return digest


def _previous(registry: Registry, ledger: Ledger, number: str | None) -> ModelVersion:
    target = rollback_target(registry, ledger, number)
    if target is not None:
        return target
    if number is None:
        raise RegistryRefusalError("There is no production version to roll back.")
    raise RegistryRefusalError(f"Version {number} replaced no other version, so there is nothing to go back to.")


def _took_effect(entry: Entry, pointed: str | None, to: str | None) -> bool:
    """Whether an entry is an interrupted rollback that had moved the alias, and nothing else is asked for."""
    is_interrupted = entry.action is Action.ROLLED_BACK and entry.completed_at is None
    return is_interrupted and entry.version == pointed and to in (None, entry.version)


def _check_unchanged(earlier: Entry, pointed: str | None) -> None:
    """Refuse to repeat a rollback that another decision or a manual move has overtaken."""
    expected = earlier.incumbent if earlier.completed_at is None else earlier.version
    if pointed != expected:
        begun = "began to go back" if earlier.completed_at is None else "went back"
        raise RegistryRefusalError(
            f"This run {begun} from {named(earlier.incumbent)} to {named(earlier.version)} on "
            f"{earlier.decided_at:%Y-%m-%d %H:%M} UTC, and {named(pointed)} is in production since; nothing was "
            "changed. Start another run if a rollback is still needed."
        )


def _reported(entry: Entry) -> Rollback:
    log.info("Nothing new: %s is in production since the rollback of %s", named(entry.version), entry.decided_at)
    return Rollback(str(entry.version), entry.incumbent, new=False)
