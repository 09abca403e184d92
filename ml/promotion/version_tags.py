"""The gate's tags on a model version in MLflow: written from ledger entries, read to recognise earlier decisions."""

from collections.abc import Mapping
from typing import Final

from ml.promotion.evidence import Decision, Rule
from ml.promotion.ledger import Action, Entry

DECISION: Final = "gate.decision"
REASON: Final = "gate.reason"
RULE: Final = "gate.rule"
DECIDED_AT: Final = "gate.decided_at"
REPLACED: Final = "gate.replaced"
ROLLED_BACK: Final = "gate.rolled_back"


def decision_tags(entry: Entry) -> dict[str, str]:
    """The tags of a version that an entry promotes or refuses."""
    tags = {
        DECISION: str(entry.action),
        REASON: entry.reason,
        RULE: entry.rule,
        DECIDED_AT: entry.decided_at.isoformat(timespec="seconds"),
    }
    if entry.action is Action.PROMOTED and entry.incumbent is not None:
        tags[REPLACED] = entry.incumbent
    return tags


def earlier_decision(tags: Mapping[str, str]) -> Decision | None:
    """The decision that the tags report, or None. Anybody can write tags, so they approve nothing."""
    if DECISION not in tags:
        return None
    return Decision(
        tags[DECISION] == Action.PROMOTED,
        tags.get(REASON, ""),
        next((rule for rule in Rule if rule == tags.get(RULE)), Rule.UNRECORDED),
    )
