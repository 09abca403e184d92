"""The alias ``production``: moved in one write, kept consistent with the ledger, and rolled back by one command.

A decision is written to the ledger first, then to the alias, then to the tags; then the entry is completed. Each step
can be repeated. After an interruption the next command reads from the alias whether the decision took effect: if so it
completes the entry; if not, the entry stays open and nothing has changed.
"""

import logging

import sqlalchemy as sa

from ml.core.errors import RegistryError
from ml.core.names import PRODUCTION
from ml.promotion.ledger import MOVING, Action, Entry, Ledger
from ml.promotion.rollback_target import rollback_target, validate_rollback_target
from ml.promotion.version_tags import DECISION, ROLLED_BACK, decision_tags
from ml.registry.client import ModelVersion, Registry

log = logging.getLogger(__name__)


def reconcile(registry: Registry, ledger: Ledger, actor: str) -> ModelVersion | None:
    """Complete an interrupted decision, record a manual move, and return the version in production.

    The caller holds the ledger's lock.
    """
    entry = ledger.newest()
    if entry is not None and entry.completed_at is None:
        if entry.action in MOVING and _number(registry.version_by_alias(PRODUCTION)) != entry.version:
            log.warning("Decision %s (%s) was interrupted and did not take effect", entry.id, _format(entry))
        elif entry.version is not None and registry.exists(entry.version):
            log.warning("Decision %s (%s) was interrupted: completing its record", entry.id, _format(entry))
            _complete(registry, ledger, entry)
    return record_manual_move(registry, ledger, actor)


def record_manual_move(registry: Registry, ledger: Ledger, actor: str) -> ModelVersion | None:
    """Record a manual move of the alias in the ledger, once, and return the version in production.

    It does not need the lock: a gate may run at the same time.
    """
    newest, in_force = ledger.newest(), ledger.in_force()
    production = registry.version_by_alias(PRODUCTION)
    number, expected = _number(production), in_force.version if in_force else None
    in_progress = newest is not None and newest.completed_at is None and number in (newest.version, newest.incumbent)
    older_than_ledger = in_force is None and production is not None and production.tags.get(DECISION) == "promoted"
    if number == expected or in_progress or older_than_ledger:
        return production
    reason = f"production pointed to {_named(expected)} and now points to {_named(number)}, which nobody decided here"
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
        f"The alias {PRODUCTION} was moved by hand from {_named(entry.incumbent)} to {_named(entry.version)}; "
        f"noticed on {entry.decided_at:%Y-%m-%d %H:%M} UTC."
    )


def apply(registry: Registry, ledger: Ledger, entry: Entry) -> None:
    """Carry out a new entry: move the alias if its action does, write the tags, complete the entry.

    Raises:
        RegistryError: MLflow cannot be reached, or somebody moved the alias in the meantime.
    """
    if entry.action in MOVING and entry.version is not None:
        current = _number(registry.version_by_alias(PRODUCTION))
        if current != entry.incumbent:
            raise RegistryError(
                f"The alias {PRODUCTION} was moved by hand to {_named(current)} while this was being decided: "
                "run the command again."
            )
        registry.set_alias(PRODUCTION, entry.version)
    _complete(registry, ledger, entry)
    log.info("%s: %s", _format(entry), entry.reason)


def roll_back(engine: sa.Engine, registry: Registry, actor: str, to: str | None = None) -> tuple[str, str]:
    """Point ``production`` to the version that it replaced, or to a given one; returns the old and the new version.

    Raises:
        RegistryError: there is no production version, or it replaced none.
        RegistryError, BundleError: the target is refused, see ``validate_rollback_target``.
    """
    ledger = Ledger(engine)
    with ledger.lock():
        production = reconcile(registry, ledger, actor)
        if production is None:
            raise RegistryError("There is no production version to roll back.")
        target = registry.version(to) if to else rollback_target(registry, ledger, production)
        if target is None:
            raise RegistryError(
                f"Version {production.number} replaced no other version, so there is nothing to go back to."
            )
        validate_rollback_target(registry, production, target)
        entry = ledger.add(
            Action.ROLLED_BACK,
            target.number,
            production.number,
            actor=actor,
            reason=f"version {target.number} is production again and version {production.number} is withdrawn",
            rule="asked_for" if to else "previous",
        )
        apply(registry, ledger, entry)
        return production.number, target.number


def _complete(registry: Registry, ledger: Ledger, entry: Entry) -> None:
    """Write the tags and complete the entry; the result is the same when it is repeated."""
    if entry.action in (Action.PROMOTED, Action.REFUSED) and entry.version is not None:
        registry.set_tags(entry.version, decision_tags(entry))
    elif entry.action is Action.ROLLED_BACK and entry.version is not None:
        if entry.incumbent is not None and registry.exists(entry.incumbent):
            registry.set_tags(entry.incumbent, {ROLLED_BACK: entry.decided_at.isoformat(timespec="seconds")})
        registry.delete_tag(entry.version, ROLLED_BACK)  # an earlier rollback may have withdrawn it
    ledger.complete(entry)


def _number(version: ModelVersion | None) -> str | None:
    return version.number if version else None


def _named(number: str | None) -> str:
    return "no version" if number is None else f"version {number}"


def _format(entry: Entry) -> str:
    return f"{_named(entry.version)} {str(entry.action).replace('_', ' ')}"
