"""The alias on a real registry and its ledger: the way back, hands that move it, and programs that die on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from ml.core.errors import BundleError, RegistryError
from ml.core.names import MODEL_NAME, PRODUCTION
from ml.promotion.evidence import Rule
from ml.promotion.ledger import Action, current_user
from ml.promotion.production_alias import manual_move, record_manual_move, roll_back
from ml.registry.client import Registry
from ml.warehouse.datasets import Dataset
from tests.integration.ml.promotion.gates import ACTOR, DyingRegistry, Gate, Killed, delete_files

PROMOTED, REFUSED, ROLLED_BACK, BY_HAND = Action


def back(gate: Gate, to: str | None = None, registry: Registry | None = None) -> tuple[str, str]:
    return roll_back(gate.engine, registry or gate.registry, ACTOR, to)


@pytest.fixture
def two(gate: Gate, good: Path, weak: Path) -> Gate:
    """Version 1 was in production, and version 2 replaced it."""
    gate.judge(gate.add(weak))
    gate.judge(gate.add(good))
    assert gate.production == "2"
    return gate


def test_a_rollback_restores_the_version_before_and_keeps_the_record(two: Gate) -> None:
    assert back(two) == ("2", "1")

    assert two.production == "1"
    assert two.tags("2")["gate.decision"] == "promoted"
    assert "gate.rolled_back" in two.tags("2")
    assert two.actions == [(PROMOTED, "1", None), (PROMOTED, "2", "1"), (ROLLED_BACK, "1", "2")]
    last = two.entries[-1]
    assert (last.actor, last.rule, last.completed_at is not None) == (ACTOR, "previous", True)
    with pytest.raises(RegistryError, match=r"^Version 1 replaced no other version, so there is nothing to go back to"):
        back(two)


def test_a_withdrawn_version_is_not_promoted_again_by_itself(two: Gate) -> None:
    back(two)
    judged = two.judge("2")

    assert (judged.new, judged.decision.promote, judged.decision.rule) == (False, False, Rule.WITHDRAWN)
    assert judged.decision.reason.startswith("it was withdrawn on ")
    assert two.production == "1"


def test_a_rollback_to_a_named_version_ends_its_withdrawal(two: Gate) -> None:
    back(two)

    assert back(two, to="2") == ("1", "2")
    assert two.production == "2"
    assert "gate.rolled_back" not in two.tags("2")
    assert two.judge("2").decision.promote
    assert two.entries[-1].rule == "asked_for"
    with pytest.raises(RegistryError, match=r"^Version 2 is in production already\.$"):
        back(two, to="2")
    with pytest.raises(RegistryError, match=r"not found"):
        back(two, to="9")
    assert len(two.entries) == 4


def test_a_rollback_passes_over_versions_that_are_withdrawn_or_deleted(two: Gate, good: Path) -> None:
    for number in ("3", "4"):
        assert two.add(good, data_version=f"data {number}") == number
        two.registry.set_alias(PRODUCTION, number)
        record_manual_move(two.registry, two.ledger, ACTOR)
    two.registry.set_tags("3", {"gate.rolled_back": "2026-01-01"})
    where = {"name": MODEL_NAME, "version": "2"}
    address = two.settings.mlflow_tracking_uri
    httpx.request("DELETE", f"{address}/api/2.0/mlflow/model-versions/delete", json=where).raise_for_status()

    assert back(two) == ("4", "1")


def test_versions_older_than_the_ledger_are_known_by_their_tags(gate: Gate, weak: Path, good: Path) -> None:
    decided = {"gate.decision": "promoted", "gate.reason": "AUROC was better"}
    gate.add(weak, **decided)
    gate.registry.set_alias(PRODUCTION, gate.add(good, **decided, **{"gate.replaced": "1"}))

    known = gate.judge("2")
    assert (known.new, known.decision.rule, known.note) == (False, Rule.UNRECORDED, None)
    assert gate.entries == [], "nobody moved anything by hand"
    assert back(gate) == ("2", "1")


def test_a_rollback_never_puts_synthetic_over_real(gate: Gate, good: Path) -> None:
    gate.judge(gate.add(good, "synthetic"))
    gate.judge(gate.add(good, "real"))

    for to in (None, "1"):
        with pytest.raises(RegistryError, match=r"trained on synthetic data, which never replaces real data"):
            back(gate, to)
    assert gate.production == "2"


def test_a_rollback_to_a_version_without_files_moves_nothing(two: Gate, mlflow_server: str) -> None:
    delete_files(mlflow_server, "1")

    with pytest.raises(BundleError, match=r"^Version 1 has lost files in MLflow"):
        back(two)
    assert two.production == "2"
    assert len(two.entries) == 2


def test_an_alias_moved_by_hand_is_noticed_once_shown_and_judged_against(two: Gate, good: Path) -> None:
    two.registry.set_alias(PRODUCTION, "1")
    for _ in range(2):
        record_manual_move(two.registry, two.ledger, current_user())
    outcome = two.judge(two.add(good))

    assert two.actions[2:] == [(BY_HAND, "1", "2"), (PROMOTED, "3", "1")]
    assert two.entries[2].actor == f"unknown; noticed by {current_user()}"
    assert two.entries[2].reason == (
        "production pointed to version 2 and now points to version 1, which nobody decided here"
    )
    assert outcome.note is not None
    assert outcome.note.startswith("The alias production was moved by hand from version 2 to version 1; noticed on 20")
    assert outcome.decision.rule is Rule.BETTER
    assert manual_move(two.ledger) is None, "production is where a decision put it again"


def test_a_rollback_after_a_move_by_hand_undoes_the_move(two: Gate) -> None:
    two.registry.set_alias(PRODUCTION, "1")

    assert back(two) == ("1", "2")
    assert two.actions[2:] == [(BY_HAND, "1", "2"), (ROLLED_BACK, "2", "1")]


def test_an_alias_removed_by_hand_is_noticed_too(two: Gate) -> None:
    where = {"name": MODEL_NAME, "alias": PRODUCTION}
    address = f"{two.settings.mlflow_tracking_uri}/api/2.0/mlflow/registered-models/alias"
    httpx.request("DELETE", address, json=where).raise_for_status()

    with pytest.raises(RegistryError, match=r"^There is no production version to roll back\.$"):
        back(two)
    assert two.actions[-1] == (BY_HAND, None, "2")
    assert back_by_hand(two) == (BY_HAND, "2", None)


def back_by_hand(gate: Gate) -> tuple[Action, str | None, str | None]:
    gate.registry.set_alias(PRODUCTION, "2")
    record_manual_move(gate.registry, gate.ledger, ACTOR)
    return gate.actions[-1]


def test_a_version_put_into_production_by_hand_is_known_to_be_there(gate: Gate, good: Path) -> None:
    gate.registry.set_alias(PRODUCTION, gate.add(good))
    outcome = gate.judge("1")

    assert (outcome.new, outcome.decision.promote, outcome.decision.rule) == (False, True, Rule.IN_PRODUCTION)
    assert gate.actions == [(BY_HAND, "1", None)]


class MovedMeanwhile(Registry):
    """Somebody moves the alias while the bundles are being compared."""

    @contextmanager
    def download(self, number: str) -> Iterator[Path]:
        self.set_alias(PRODUCTION, "1")
        with super().download(number) as directory:
            yield directory


def test_a_move_by_hand_during_a_decision_is_not_overwritten(two: Gate, good: Path, dataset: Dataset) -> None:
    number = two.add(good, data_version=dataset.version.data_version)

    with pytest.raises(RegistryError, match=r"^The alias production was moved by hand to version 1 while this was"):
        two.judge(number, MovedMeanwhile(two.settings))
    assert two.production == "1"
    assert "gate.decision" not in two.tags(number)
    assert two.judge(number).note is not None
    assert two.actions[2:] == [(PROMOTED, "3", "2"), (BY_HAND, "1", "2"), (PROMOTED, "3", "1")]
    assert [entry.completed_at is not None for entry in two.entries[2:]] == [False, True, True]


@pytest.mark.parametrize("step", ["before the alias", "after the alias", "among the tags", "after the tags"])
def test_a_gate_that_was_killed_is_finished_by_the_next(gate: Gate, good: Path, weak: Path, step: str) -> None:
    gate.judge(gate.add(weak))
    gate.add(good)
    with pytest.raises(Killed):
        gate.judge("2", DyingRegistry(gate.settings, step))

    record_manual_move(gate.registry, gate.ledger, ACTOR)
    assert BY_HAND not in {entry.action for entry in gate.entries}
    outcome = gate.judge("2")

    assert (outcome.decision.promote, outcome.decision.rule) == (True, Rule.BETTER)
    assert gate.production == "2"
    assert gate.tags("2")["gate.decision"] == "promoted"
    assert gate.tags("2")["gate.replaced"] == "1"
    done = [entry.version for entry in gate.entries if entry.completed_at]
    assert done == ["1", "2"]
    assert back(gate) == ("2", "1")


@pytest.mark.parametrize("step", ["among the tags", "after the tags"])
def test_a_refusal_that_was_killed_is_finished_by_the_next(gate: Gate, good: Path, weak: Path, step: str) -> None:
    gate.judge(gate.add(good))
    gate.add(weak)
    with pytest.raises(Killed):
        gate.judge("2", DyingRegistry(gate.settings, step))

    assert not gate.judge("2").new
    assert gate.tags("2")["gate.rule"] == "worse"
    assert [entry.completed_at is not None for entry in gate.entries] == [True, True]


@pytest.mark.parametrize("step", ["before the alias", "after the alias", "among the tags", "after the tags"])
def test_a_rollback_that_was_killed_can_be_asked_for_again_without_going_too_far(
    gate: Gate, good: Path, weak: Path, step: str
) -> None:
    gate.judge(gate.add(weak))
    gate.judge(gate.add(good))
    with pytest.raises(Killed):
        back(gate, registry=DyingRegistry(gate.settings, step))

    if gate.production == "2":
        assert back(gate) == ("2", "1")
    else:
        with pytest.raises(RegistryError, match=r"^Version 1 replaced no other version"):
            back(gate)
    assert gate.production == "1"
    assert "gate.rolled_back" in gate.tags("2")
    assert BY_HAND not in {entry.action for entry in gate.entries}


def test_the_ledger_takes_no_other_action(gate: Gate) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="gate_decisions_action"), gate.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO gate_decisions (action, actor, reason, rule, figures) VALUES ('a', 'b', 'c', 'd', '{}')"
            )
        )
