"""Gate decisions read from tags, and the version that a rollback proposes."""

from ml.promotion.evidence import Rule
from ml.promotion.version_tags import DECIDED_AT, DECISION, REASON, REPLACED, ROLLED_BACK, RULE
from ui.clients.mlflow import RegisteredVersion, Tag
from ui.model import gate_decision


def version(number: str, **tags: str) -> RegisteredVersion:
    return RegisteredVersion(
        name="m", version=number, tags=tuple(Tag(key=f"gate.{key}", value=value) for key, value in tags.items())
    )


def test_the_tags_are_those_that_the_gate_writes() -> None:
    assert (gate_decision.DECISION, gate_decision.RULE, gate_decision.REASON) == (DECISION, RULE, REASON)
    written = (DECIDED_AT, REPLACED, ROLLED_BACK)
    assert written == (gate_decision.DECIDED_AT, gate_decision.REPLACED, gate_decision.ROLLED_BACK)


def test_every_rule_of_the_gate_has_a_text() -> None:
    assert gate_decision.rules().keys() == {str(rule) for rule in Rule}


def test_an_unknown_value_of_a_tag_is_shown_unchanged() -> None:
    facts = gate_decision.facts(version("1", decision="postponed", rule="weather", decided_at="soon"))
    assert list(facts.values()) == ["postponed", "weather", "soon", ""]


def test_a_version_without_tags_is_not_decided_yet() -> None:
    assert list(gate_decision.facts(version("1")).values()) == ["not decided yet", "", "", ""]
