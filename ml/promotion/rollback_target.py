"""Which version a rollback goes back to, and whether it may."""

from ml.core.bundle import load_bundle
from ml.core.errors import RegistryError
from ml.promotion.ledger import Ledger
from ml.promotion.version_tags import REPLACED, ROLLED_BACK
from ml.registry.client import ModelVersion, Registry


def rollback_target(registry: Registry, ledger: Ledger, production: ModelVersion) -> ModelVersion | None:
    """The version that production replaced, or None.

    A version that was withdrawn or deleted is skipped: the target is then what that version replaced, and so on. The
    ledger is the source; the tag ``gate.replaced`` counts only for versions that are older than the ledger.
    """
    seen: set[str] = set()
    current: ModelVersion | None = production
    number: str | None = production.number
    while number is not None and number not in seen:
        seen.add(number)
        number = ledger.version_replaced_by(number) or (current.tags.get(REPLACED) if current else None)
        current = registry.version(number) if number and registry.exists(number) else None
        if current is not None and current.number not in seen and ROLLED_BACK not in current.tags:
            return current
    return None


def validate_rollback_target(registry: Registry, production: ModelVersion, target: ModelVersion) -> None:
    """Check that a version may replace production.

    Raises:
        RegistryError: it is production already, or was trained on synthetic data and production on real data.
        BundleError: its bundle is not valid.
    """
    if target.number == production.number:
        raise RegistryError(f"Version {production.number} is in production already.")
    if target.tags.get("data_source") == "synthetic" != production.tags.get("data_source"):
        raise RegistryError(
            f"Version {target.number} was trained on synthetic data, which never replaces real data: version "
            f"{production.number} stays; train another one, or promote one with 'python -m ml promote'."
        )
    with registry.download(target.number) as directory:
        load_bundle(directory)
