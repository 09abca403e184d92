"""Where a version stands before the gate runs: decided, to be restored, or to be evaluated."""

from dataclasses import dataclass

from ml.core.signing.approval import TAG, check_manifest
from ml.promotion.approvals import Approver, sound_digest
from ml.promotion.evidence import Decision, Rule
from ml.promotion.ledger import Entry, Ledger
from ml.promotion.version_tags import DECISION, ROLLED_BACK, earlier_decision
from ml.registry.client import ModelVersion, Registry


@dataclass(frozen=True, slots=True)
class Standing:
    """A decision that was made before; or the digest of an approved version to restore; or neither: to be evaluated."""

    decision: Decision | None = None
    restored_sha256: str | None = None

    @classmethod
    def of(
        cls,
        registry: Registry,
        ledger: Ledger,
        approver: Approver,
        version: ModelVersion,
        pointed: ModelVersion | None,
        *,
        overrule: bool,
    ) -> "Standing":
        """The standing of a version, while the alias points to ``pointed``.

        Without ``overrule``, production stays where a hand moved it, if that version is approved.

        Raises:
            BundleError: it is to be restored, but its files are not valid.
            UnapprovedError: its files are not those that were approved.
        """
        is_pointed = pointed is not None and pointed.number == version.number
        if ROLLED_BACK in version.tags and not is_pointed:
            reason = f"it was withdrawn on {version.tags[ROLLED_BACK]}"
            return cls(Decision(False, reason, Rule.WITHDRAWN))
        earlier = earlier_decision(version.tags)
        approval = approver.approval_of(ledger, version.number)
        if approval is None:
            return cls(earlier if earlier and not earlier.promote and not is_pointed else None)
        decided = ledger.decided()
        is_decided = decided is not None and decided.version == version.number
        intact = version.tags.get(TAG) == approval.envelope
        if intact and is_pointed:
            in_production = Decision(True, "it is in production already", Rule.IN_PRODUCTION)
            return cls(earlier if earlier and earlier.promote else in_production)
        if is_decided or not intact:
            digest = sound_digest(registry, version)
            if digest != approval.approval.manifest_sha256:
                if DECISION in version.tags or TAG in version.tags:
                    check_manifest(approval, digest)  # raises
                return cls()  # numbers restart in a registry that was emptied: another version
        if not is_decided:
            reason = f"{_subject(decided)} was decided on after it: `python -m ml rollback --to {version.number}`"
            return cls(Decision(False, f"{reason} goes back", Rule.SUPERSEDED))
        if not overrule and pointed is not None and not is_pointed and approver.approval_of(ledger, pointed.number):
            reason = f"production was moved by hand to version {pointed.number}, which was approved before"
            remedy = f"`python -m ml promote {version.number}` moves it back"
            return cls(Decision(False, f"{reason}: {remedy}", Rule.SUPERSEDED))
        return cls(restored_sha256=approval.approval.manifest_sha256)


def _subject(decided: Entry | None) -> str:
    return f"version {decided.version}" if decided else "another version"
