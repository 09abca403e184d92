"""What the gate has approved: signs decisions, and reads the approvals of the ledger."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ml.core.bundle import MANIFEST_FILE, sha256_of
from ml.core.names import MODEL_NAME
from ml.core.sandbox.process import sandboxed
from ml.core.settings import MlSettings
from ml.core.signing.approval import Approval, Verified, sign, verify
from ml.core.signing.keys import PublicKeys, SigningKey, read_public_keys, read_signing_key
from ml.promotion.ledger import Action, Entry, Ledger, Sign
from ml.registry.client import ModelVersion, Registry


@dataclass(frozen=True, slots=True)
class Approver:
    """The gate's key, and the public keys that approvals are verified with."""

    key: SigningKey
    public_keys: PublicKeys

    @classmethod
    def from_settings(cls, settings: MlSettings) -> "Approver":
        """The key pair of the settings.

        Raises:
            SettingsError: the files are not there, as wherever the gate does not run.
        """
        return cls(read_signing_key(settings.model_signing_key_file), read_public_keys(settings.model_public_keys_file))

    def sign(self, version: str, manifest_sha256: str) -> Sign:
        """For :meth:`Ledger.add`: signs that these files are version ``version``."""

        def envelope(sequence: int, decided_at: datetime, action: Action, actor: str) -> str:
            approval = Approval(
                model=MODEL_NAME,
                version=version,
                manifest_sha256=manifest_sha256,
                sequence=sequence,
                approved_at=decided_at.astimezone(UTC).isoformat(timespec="seconds"),
                action=str(action),
                actor=actor,
            )
            return sign(approval, self.key)

        return envelope

    def sign_again(self, verified: Verified) -> Sign:
        """For :meth:`Ledger.add`: signs an approval with the present key; only its sequence changes."""
        return lambda sequence, *_: sign(verified.approval.model_copy(update={"sequence": sequence}), self.key)

    def approval_of(self, ledger: Ledger, number: str) -> Verified | None:
        """The newest approval of a version in the ledger whose signature is valid."""
        return next((found for entry in ledger.approvals(number) if (found := self.verified(entry))), None)

    def verified(self, entry: Entry) -> Verified | None:
        """The approval of an entry; None if it has no valid one for its version."""
        try:
            verified = verify(entry.approval or "", self.public_keys)
        except ValueError:
            return None
        same = (verified.approval.model, verified.approval.version) == (MODEL_NAME, entry.version)
        return verified if same else None


def sound_digest(registry: Registry, version: ModelVersion) -> str:
    """SHA-256 of the manifest of a version whose bundle is valid.

    Raises:
        BundleError: it is not valid, or files were deleted.
    """
    with registry.download(version.number) as directory, sandboxed(directory):
        return sha256_of(directory / MANIFEST_FILE)
