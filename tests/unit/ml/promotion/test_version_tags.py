"""The gate's tags on a version: what is written, and how earlier decisions are read."""

from datetime import UTC, datetime

import pytest

from ml.promotion.evidence import Decision, Rule
from ml.promotion.ledger import Action, Entry
from ml.promotion.version_tags import decision_tags, earlier_decision

PROMOTED = {"gate.decision": "promoted", "gate.reason": "AUROC is better", "gate.rule": "better"}
REFUSED = {"gate.decision": "refused", "gate.reason": "AUROC is worse", "gate.rule": "worse"}


def entry(action: Action, incumbent: str | None) -> Entry:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    return Entry(1, at, action, "2", incumbent, "somebody", "AUROC is better", "better", {}, None, None)


def test_a_promotion_is_tagged_with_the_version_it_replaces() -> None:
    at = {"gate.decided_at": "2026-01-02T00:00:00+00:00"}

    assert decision_tags(entry(Action.PROMOTED, "1")) == {**PROMOTED, **at, "gate.replaced": "1"}
    assert decision_tags(entry(Action.PROMOTED, None)) == {**PROMOTED, **at}
    assert decision_tags(entry(Action.REFUSED, "1")) == {**PROMOTED, **at, "gate.decision": "refused"}


@pytest.mark.parametrize(
    ("tags", "decision"),
    [
        ({}, None),
        (PROMOTED, Decision(True, "AUROC is better", Rule.BETTER)),
        (REFUSED, Decision(False, "AUROC is worse", Rule.WORSE)),
        ({"gate.decision": "promoted"}, Decision(True, "", Rule.UNRECORDED)),
    ],
)
def test_an_earlier_decision_is_read_from_the_tags(tags: dict[str, str], decision: Decision | None) -> None:
    assert earlier_decision(tags) == decision
