"""The alias ``production``: moved in one write, in step with the ledger, and put back by one command.

Whatever is done is written into the ledger first, then to the alias, then to the tags, then the entry is completed.
Each step can be repeated; so after an interruption at any point, the next command finds out from the alias whether
the decision took effect: if so it finishes the record, if not the entry stays open, and nothing has happened.
"""

import logging
from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from ml.core.bundle import load_bundle
from ml.core.errors import RegistryError
from ml.core.names import PRODUCTION
from ml.promotion.gate_lock import gate_lock
from ml.promotion.ledger import MOVING, Action, Entry, Ledger
from ml.registry.client import ModelVersion, Registry

log = logging.getLogger(__name__)

DECISION: Final = "gate.decision"
REASON: Final = "gate.reason"
RULE: Final = "gate.rule"
DECIDED_AT: Final = "gate.decided_at"
REPLACED: Final = "gate.replaced"
ROLLED_BACK: Final = "gate.rolled_back"


def reconcile(registry: Registry, ledger: Ledger, actor: str) -> ModelVersion | None:
    """Bring the ledger in step with the alias: finish what was interrupted, and note what was moved by hand.

    To be called by one at a time, see :func:`ml.promotion.gate_lock.gate_lock`.

    Returns:
        The version in production.
    """
    entry = ledger.newest()
    if entry is not None and entry.completed_at is None:
        if entry.action in MOVING and _number(registry.version_by_alias(PRODUCTION)) != entry.version:
            log.warning("Decision %s (%s) was interrupted and never took effect", entry.id, _format(entry))
        elif entry.version is not None and registry.exists(entry.version):
            log.warning("Decision %s (%s) was interrupted: finishing its record", entry.id, _format(entry))
            _finish(registry, ledger, entry)
    return record_manual_move(registry, ledger, actor)


def record_manual_move(registry: Registry, ledger: Ledger, actor: str) -> ModelVersion | None:
    """Write down, once, that somebody moved the alias without the gate. Moves nothing; may run beside a gate.

    Returns:
        The version in production.
    """
    newest, settled = ledger.newest(), ledger.in_force()
    held = registry.version_by_alias(PRODUCTION)
    number, expected = _number(held), settled.version if settled else None
    under_way = newest is not None and newest.completed_at is None and number in (newest.version, newest.incumbent)
    from_before = settled is None and held is not None and held.tags.get(DECISION) == "promoted"
    if number == expected or under_way or from_before:
        return held
    reason = f"production pointed to {_named(expected)} and now points to {_named(number)}, which nobody decided here"
    seen = newest.id if newest else 0
    if ledger.add_move_by_hand(number, expected, actor=f"unknown; noticed by {actor}", reason=reason, newest=seen):
        log.warning("Moved by hand: %s", reason)
    return held


def manual_move(ledger: Ledger) -> str | None:
    """One sentence if the version in production is there because somebody moved the alias, else None."""
    entry = ledger.in_force()
    if entry is None or entry.action is not Action.MOVED_BY_HAND:
        return None
    return (
        f"The alias {PRODUCTION} was moved by hand from {_named(entry.incumbent)} to {_named(entry.version)}; "
        f"noticed on {entry.decided_at:%Y-%m-%d %H:%M} UTC."
    )


def apply(registry: Registry, ledger: Ledger, entry: Entry) -> None:
    """Do what a new entry says: move the alias if it is to move, write the tags, complete the entry.

    Raises:
        RegistryError: MLflow cannot be reached, or somebody moved the alias in the meantime.
    """
    if entry.action in MOVING and entry.version is not None:
        held = _number(registry.version_by_alias(PRODUCTION))
        if held != entry.incumbent:
            raise RegistryError(
                f"The alias {PRODUCTION} was moved by hand to {_named(held)} while this was being decided: "
                "run the command again."
            )
        registry.set_alias(PRODUCTION, entry.version)
    _finish(registry, ledger, entry)
    log.info("%s: %s", _format(entry), entry.reason)


def roll_back(engine: sa.Engine, registry: Registry, actor: str, to: str | None = None) -> tuple[str, str]:
    """Let ``production`` point to the version it pointed to before, or to another one.

    Args:
        engine: of the ``diabetes`` database.
        registry: holds the versions.
        actor: who asks for it, for the ledger.
        to: the version to go back to; by default the one that the present version replaced.

    Returns:
        The version that was production, and the one that is now.

    Raises:
        RegistryError: there is no production version, it replaced none, or the other one was trained on synthetic
            data and this one on real data.
        BundleError: the other version is not sound.
    """
    with gate_lock(engine):
        ledger = Ledger(engine)
        present = reconcile(registry, ledger, actor)
        if present is None:
            raise RegistryError("There is no production version to roll back.")
        target = registry.version(to) if to else _before(registry, ledger, present)
        _validate_rollback_target(registry, present, target)
        entry = ledger.add(
            Action.ROLLED_BACK,
            target.number,
            present.number,
            actor=actor,
            reason=f"version {target.number} is production again and version {present.number} is withdrawn",
            rule="asked_for" if to else "previous",
        )
        apply(registry, ledger, entry)
        return present.number, target.number


def _before(registry: Registry, ledger: Ledger, present: ModelVersion) -> ModelVersion:
    """The version that was replaced by the present one, or by that one in turn, if it was withdrawn or deleted."""
    seen, number = {present.number}, _replaced_by(ledger, present.number, present.tags)
    while number is not None and number not in seen:
        seen.add(number)
        found = registry.version(number) if registry.exists(number) else None
        if found is not None and ROLLED_BACK not in found.tags:
            return found
        number = _replaced_by(ledger, number, found.tags if found else {})
    raise RegistryError(f"Version {present.number} replaced no other version, so there is nothing to go back to.")


def _replaced_by(ledger: Ledger, number: str, tags: Mapping[str, str]) -> str | None:
    """What a version replaced, by the ledger, or by its tag if it is older than the ledger."""
    by_ledger = (entry.incumbent for entry in ledger.arrivals(number) if entry.incumbent is not None)
    return next(by_ledger, None) or tags.get(REPLACED)


def _validate_rollback_target(registry: Registry, present: ModelVersion, target: ModelVersion) -> None:
    if target.number == present.number:
        raise RegistryError(f"Version {present.number} is in production already.")
    if target.tags.get("data_source") == "synthetic" != present.tags.get("data_source"):
        raise RegistryError(
            f"Version {target.number} was trained on synthetic data, which never replaces real data: version "
            f"{present.number} stays; train another one, or promote one with 'python -m ml promote'."
        )
    with registry.download(target.number) as directory:
        load_bundle(directory)


def _finish(registry: Registry, ledger: Ledger, entry: Entry) -> None:
    """Tags from the entry alone, then its completion: the same at the first attempt and at any other."""
    decided_at = entry.decided_at.isoformat(timespec="seconds")
    if entry.action in (Action.PROMOTED, Action.REFUSED) and entry.version is not None:
        tags = {DECISION: str(entry.action), REASON: entry.reason, RULE: entry.rule, DECIDED_AT: decided_at}
        if entry.action is Action.PROMOTED and entry.incumbent is not None:
            tags[REPLACED] = entry.incumbent
        registry.set_tags(entry.version, tags)
    elif entry.action is Action.ROLLED_BACK and entry.version is not None:
        if entry.incumbent is not None and registry.exists(entry.incumbent):
            registry.set_tags(entry.incumbent, {ROLLED_BACK: decided_at})
        registry.delete_tag(entry.version, ROLLED_BACK)  # it may have been withdrawn before
    ledger.complete(entry)


def _number(version: ModelVersion | None) -> str | None:
    return version.number if version else None


def _named(number: str | None) -> str:
    return "no version" if number is None else f"version {number}"


def _format(entry: Entry) -> str:
    return f"{_named(entry.version)} {str(entry.action).replace('_', ' ')}"
