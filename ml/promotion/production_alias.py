"""The alias ``production``: moved in one write, and kept consistent with the ledger.

A decision is written to the ledger first, with its signed approval; then the approval to the version, then the alias,
then the other tags; then the entry is completed. Each step can be repeated. After an interruption the next command
reads from the alias whether the decision took effect: if so it completes the entry; if not, the entry stays open.
"""

import logging

import sqlalchemy as sa

from ml.core.errors import BundleError, RegistryError
from ml.core.names import PRODUCTION
from ml.core.settings import MlSettings
from ml.core.signing.approval import TAG
from ml.promotion.approvals import Approver, sound_digest
from ml.promotion.ledger import MOVING, Action, Entry, Ledger
from ml.promotion.version_tags import ROLLED_BACK, decision_tags
from ml.registry.client import ModelVersion, Registry

log = logging.getLogger(__name__)


def reconcile(registry: Registry, ledger: Ledger, approver: Approver, actor: str) -> ModelVersion | None:
    """Complete an interrupted decision, record a manual move, adopt; return the version that the alias points to.

    The caller holds the ledger's lock.
    """
    entry = ledger.newest()
    if entry is not None and entry.completed_at is None:
        if entry.action in MOVING and _number(registry.version_by_alias(PRODUCTION)) != entry.version:
            log.warning("Decision %s (%s) was interrupted and did not take effect", entry.id, _format(entry))
        elif entry.version is not None and registry.exists(entry.version):
            log.warning("Decision %s (%s) was interrupted: completing its record", entry.id, _format(entry))
            _complete(registry, ledger, entry)
    production = record_manual_move(registry, ledger, actor)
    _adopt(registry, ledger, approver, production, actor)
    return production


def approved_production(
    registry: Registry, ledger: Ledger, approver: Approver, pointed: ModelVersion | None
) -> ModelVersion | None:
    """The version that the service serves: the one of the alias if it is approved, else the one decided on last."""
    if pointed is not None and approver.approval_of(ledger, pointed.number):
        return pointed
    decided = ledger.decided()
    if decided is None or decided.version is None or not registry.exists(decided.version):
        return None
    return registry.version(decided.version)


def adopt(settings: MlSettings, engine: sa.Engine, registry: Registry, actor: str) -> None:
    """Sign the production version of an installation that is older than signed approvals, see :func:`reconcile`."""
    ledger, approver = Ledger(engine), Approver.from_settings(settings)
    with ledger.lock():
        reconcile(registry, ledger, approver, actor)


def is_adoption_due(ledger: Ledger) -> bool:
    """Whether the version that was decided on last is older than signed approvals."""
    return ledger.decided() is not None and not ledger.approvals()


def _adopt(registry: Registry, ledger: Ledger, approver: Approver, production: ModelVersion | None, actor: str) -> None:
    """Only once, and only the version that the ledger decided on last: no version that was set by hand."""
    decided, in_force = ledger.decided(), ledger.in_force()
    if production is None or decided is None or decided != in_force or decided.version != production.number:
        return
    if ledger.approvals():
        return
    try:
        digest = sound_digest(registry, production)
    except BundleError as error:
        log.warning("Version %s cannot be approved: %s", production.number, error)
        return
    reason = f"version {production.number} was {_done(decided)} on {decided.decided_at:%Y-%m-%d}, before approvals"
    sign = approver.sign(production.number, digest)
    entry = ledger.add(Action.ADOPTED, production.number, None, actor=actor, reason=reason, rule="upgrade", sign=sign)
    apply(registry, ledger, entry, production.number)


def record_manual_move(registry: Registry, ledger: Ledger, actor: str) -> ModelVersion | None:
    """Record a manual move of the alias in the ledger, once, and return the version in production.

    It does not need the lock: a gate may run at the same time.
    """
    newest, in_force = ledger.newest(), ledger.in_force()
    production = registry.version_by_alias(PRODUCTION)
    number, expected = _number(production), in_force.version if in_force else None
    in_progress = newest is not None and newest.completed_at is None and number in (newest.version, newest.incumbent)
    if number == expected or in_progress:
        return production
    reason = f"production pointed to {named(expected)} and now points to {named(number)}, which nobody decided here"
    newest_id = newest.id if newest else 0
    if ledger.add_manual_move(number, expected, actor=f"unknown; noticed by {actor}", reason=reason, newest=newest_id):
        log.warning("Moved by hand: %s", reason)
    return production


def manual_move(ledger: Ledger) -> str | None:
    """One sentence if the version in production is there because of a manual move, else None."""
    entry = ledger.in_force()
    if entry is None or entry.action is not Action.MOVED_BY_HAND:
        return None
    return (
        f"The alias {PRODUCTION} was moved by hand from {named(entry.incumbent)} to {named(entry.version)}; "
        f"noticed on {entry.decided_at:%Y-%m-%d %H:%M} UTC."
    )


def apply(registry: Registry, ledger: Ledger, entry: Entry, pointed: str | None) -> None:
    """Carry out a new entry: write its approval, move the alias if its action does, write the tags, complete the entry.

    ``pointed`` is the version that the alias pointed to when this was decided.

    Raises:
        RegistryError: MLflow cannot be reached, or somebody moved the alias in the meantime.
    """
    if entry.action in MOVING and entry.version is not None:
        current = _number(registry.version_by_alias(PRODUCTION))
        if current != pointed:
            raise RegistryError(
                f"The alias {PRODUCTION} was moved by hand to {named(current)} while this was being decided: "
                "run the command again."
            )
        _write_approval(registry, entry)  # first: the service reads it as soon as the alias moves
        if current != entry.version:
            registry.set_alias(PRODUCTION, entry.version)
    _complete(registry, ledger, entry)
    log.info("%s: %s", _format(entry), entry.reason)


def _complete(registry: Registry, ledger: Ledger, entry: Entry) -> None:
    """Write the tags and complete the entry; the result is the same when it is repeated."""
    _write_approval(registry, entry)
    if entry.action in (Action.PROMOTED, Action.REFUSED) and entry.version is not None:
        registry.set_tags(entry.version, decision_tags(entry))
    elif entry.action is Action.ROLLED_BACK and entry.version is not None:
        if entry.incumbent is not None and registry.exists(entry.incumbent):
            registry.set_tags(entry.incumbent, {ROLLED_BACK: entry.decided_at.isoformat(timespec="seconds")})
        registry.delete_tag(entry.version, ROLLED_BACK)  # an earlier rollback may have withdrawn it
    ledger.complete(entry)


def _write_approval(registry: Registry, entry: Entry) -> None:
    if entry.approval is not None and entry.version is not None:
        registry.set_tags(entry.version, {TAG: entry.approval})


def _number(version: ModelVersion | None) -> str | None:
    return version.number if version else None


def named(number: str | None) -> str:
    """A version in a sentence."""
    return "no version" if number is None else f"version {number}"


def _format(entry: Entry) -> str:
    return f"{named(entry.version)} {_done(entry)}"


def _done(entry: Entry) -> str:
    return str(entry.action).replace("_", " ")
