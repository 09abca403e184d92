"""Rotation of the signing key: what is approved is signed again with the new key."""

from dataclasses import dataclass

import sqlalchemy as sa

from ml.core.settings import MlSettings
from ml.core.signing.approval import Verified
from ml.promotion.approvals import Approver
from ml.promotion.ledger import Action, Ledger
from ml.promotion.production_alias import apply, reconcile
from ml.registry.client import Registry


@dataclass(frozen=True, slots=True)
class Rotation:
    """Versions that were signed again, and the id of the present key."""

    signed: tuple[str, ...]
    key_id: str


def pending(settings: MlSettings, engine: sa.Engine, registry: Registry) -> list[str]:
    """The approved versions whose approval a former key signed.

    Raises:
        SettingsError, RegistryError, WarehouseError: as :func:`sign_again`.
    """
    return [version for version, _ in _pending(registry, Ledger(engine), Approver.from_settings(settings))]


def sign_again(settings: MlSettings, engine: sa.Engine, registry: Registry, actor: str) -> Rotation:
    """Sign with the present key what a former key approved, in the same order; it can be repeated.

    Raises:
        SettingsError: the gate's keys are not there.
        RegistryError, WarehouseError: a service cannot be reached; running it again does the rest.
    """
    ledger, approver = Ledger(engine), Approver.from_settings(settings)
    signed = []
    with ledger.lock():
        production = reconcile(registry, ledger, approver, actor)
        for version, verified in _pending(registry, ledger, approver):
            entry = ledger.add(
                Action.SIGNED_AGAIN,
                version,
                None,
                actor=actor,
                reason=f"the approval of version {version} is signed with key {approver.key.id}",
                rule="rotation",
                sign=approver.sign_again(verified),
            )
            apply(registry, ledger, entry, production.number if production else None)
            signed.append(version)
    return Rotation(tuple(signed), approver.key.id)


def _pending(registry: Registry, ledger: Ledger, approver: Approver) -> list[tuple[str, Verified]]:
    approvals = [(entry.version, approver.verified(entry)) for entry in ledger.approvals()]
    return [
        (version, found)
        for version, found in approvals
        if version and found and found.key_id != approver.key.id and registry.exists(version)
    ]
