"""The production alias on a real registry: rollbacks, manual moves, and interrupted decisions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from ml.core.errors import BundleError, RegistryError, RegistryRefusalError
from ml.core.names import MODEL_NAME, PRODUCTION
from ml.promotion.evidence import Rule
from ml.promotion.ledger import Action, current_user
from ml.promotion.production_alias import manual_move, record_manual_move
from ml.promotion.rollback import roll_back
from ml.registry.client import Registry
from ml.warehouse.datasets import Dataset
from tests.integration.ml.promotion.gates import ACTOR, Gate, InterruptedRegistry, Killed, delete_files

PROMOTED, REFUSED, ROLLED_BACK, BY_HAND, ADOPTED, SIGNED_AGAIN = Action


def rolled_back(
    gate: Gate, to: str | None = None, registry: Registry | None = None, request: str | None = None
) -> tuple[str, str]:
    done = roll_back(gate.settings, gate.engine, registry or gate.registry, ACTOR, to, request)
    return done.withdrawn or "none", done.target


@pytest.fixture
def two_versions(gate: Gate, good: Path, weak: Path) -> Gate:
    """Version 2 replaced version 1 in production."""
    gate.judge(gate.add(weak))
    gate.judge(gate.add(good))
    assert gate.production == "2"
    return gate


def test_a_rollback_restores_the_previous_version_and_is_recorded(two_versions: Gate) -> None:
    assert rolled_back(two_versions) == ("2", "1")

    assert two_versions.production == "1"
    assert two_versions.tags("2")["gate.decision"] == "promoted"
    assert "gate.rolled_back" in two_versions.tags("2")
    assert two_versions.actions == [(PROMOTED, "1", None), (PROMOTED, "2", "1"), (ROLLED_BACK, "1", "2")]
    last = two_versions.entries[-1]
    assert (last.actor, last.rule, last.completed_at is not None) == (ACTOR, "previous", True)
    with pytest.raises(RegistryError, match=r"^Version 1 replaced no other version, so there is nothing to go back to"):
        rolled_back(two_versions)


def test_a_withdrawn_version_is_not_promoted_again_by_itself(two_versions: Gate) -> None:
    rolled_back(two_versions)
    judged = two_versions.judge("2")

    assert (judged.new, judged.decision.promote, judged.decision.rule) == (False, False, Rule.WITHDRAWN)
    assert judged.decision.reason.startswith("it was withdrawn on ")
    assert two_versions.production == "1"


def test_a_rollback_to_a_withdrawn_version_ends_its_withdrawal(two_versions: Gate) -> None:
    rolled_back(two_versions)

    assert rolled_back(two_versions, to="2") == ("1", "2")
    assert two_versions.production == "2"
    assert "gate.rolled_back" not in two_versions.tags("2")
    assert two_versions.judge("2").decision.promote
    assert two_versions.entries[-1].rule == "asked_for"
    with pytest.raises(RegistryError, match=r"^Version 2 is in production already\.$"):
        rolled_back(two_versions, to="2")
    with pytest.raises(RegistryError, match=r"not found"):
        rolled_back(two_versions, to="9")
    assert len(two_versions.entries) == 4


def test_a_rollback_skips_withdrawn_and_deleted_versions(two_versions: Gate, good: Path) -> None:
    for number in ("3", "4"):
        assert two_versions.add(good, data_version=f"data {number}") == number
        two_versions.registry.set_alias(PRODUCTION, number)
        record_manual_move(two_versions.registry, two_versions.ledger, ACTOR)
    two_versions.registry.set_tags("3", {"gate.rolled_back": "2026-01-01"})
    where = {"name": MODEL_NAME, "version": "2"}
    address = two_versions.settings.mlflow_tracking_uri
    httpx.request("DELETE", f"{address}/api/2.0/mlflow/model-versions/delete", json=where).raise_for_status()

    assert rolled_back(two_versions) == ("4", "1")


def test_a_rollback_never_puts_synthetic_over_real(gate: Gate, good: Path) -> None:
    gate.judge(gate.add(good, "synthetic"))
    gate.judge(gate.add(good, "real"))

    for to in (None, "1"):
        with pytest.raises(RegistryError, match=r"trained on synthetic data, which never replaces real data"):
            rolled_back(gate, to)
    assert gate.production == "2"


def test_a_rollback_to_a_version_without_files_moves_nothing(two_versions: Gate, mlflow_server: str) -> None:
    delete_files(mlflow_server, "1")

    with pytest.raises(BundleError, match=r"^Version 1 has lost files in MLflow"):
        rolled_back(two_versions)
    assert two_versions.production == "2"
    assert len(two_versions.entries) == 2


def test_a_manual_move_is_recorded_once_reported_and_compared_with(two_versions: Gate, good: Path) -> None:
    two_versions.registry.set_alias(PRODUCTION, "1")
    for _ in range(2):
        record_manual_move(two_versions.registry, two_versions.ledger, current_user())
    outcome = two_versions.judge(two_versions.add(good))

    assert two_versions.actions[2:] == [(BY_HAND, "1", "2"), (PROMOTED, "3", "1")]
    assert two_versions.entries[2].actor == f"unknown; noticed by {current_user()}"
    assert two_versions.entries[2].reason == (
        "production pointed to version 2 and now points to version 1, which nobody decided here"
    )
    assert outcome.note is not None
    assert outcome.note.startswith("The alias production was moved by hand from version 2 to version 1; noticed on 20")
    assert outcome.decision.rule is Rule.BETTER
    assert manual_move(two_versions.ledger) is None, "production is where a decision put it again"


def test_a_rollback_after_a_manual_move_undoes_the_move(two_versions: Gate) -> None:
    two_versions.registry.set_alias(PRODUCTION, "1")

    assert rolled_back(two_versions) == ("1", "2")
    assert two_versions.actions[2:] == [(BY_HAND, "1", "2"), (ROLLED_BACK, "2", "1")]


def test_a_manual_removal_of_the_alias_is_recorded_and_a_rollback_undoes_it(two_versions: Gate) -> None:
    two_versions.delete_alias()

    assert rolled_back(two_versions) == ("none", "2")
    assert two_versions.production == "2"
    assert two_versions.actions[2:] == [(BY_HAND, None, "2"), (ROLLED_BACK, "2", None)]


def test_a_version_that_was_set_by_hand_is_evaluated_as_any_other(gate: Gate, good: Path) -> None:
    gate.registry.set_alias(PRODUCTION, gate.add(good, **{"gate.decision": "promoted", "gate.reason": "so says a tag"}))
    outcome = gate.judge("1")

    assert (outcome.new, outcome.decision.promote, outcome.decision.rule) == (True, True, Rule.FIRST)
    assert gate.actions == [(BY_HAND, "1", None), (PROMOTED, "1", None)]


class AliasMovedMeanwhile(Registry):
    """A registry whose alias is moved while the bundles are being compared."""

    @contextmanager
    def download(self, number: str) -> Iterator[Path]:
        self.set_alias(PRODUCTION, "1")
        with super().download(number) as directory:
            yield directory


def test_a_manual_move_during_a_decision_is_not_overwritten(two_versions: Gate, good: Path, dataset: Dataset) -> None:
    number = two_versions.add(good, data_version=dataset.version.data_version)

    with pytest.raises(RegistryError, match=r"^The alias production was moved by hand to version 1 while this was"):
        two_versions.judge(number, AliasMovedMeanwhile(two_versions.settings))
    assert two_versions.production == "1"
    assert "gate.decision" not in two_versions.tags(number)
    assert two_versions.judge(number).note is not None
    assert two_versions.actions[2:] == [(PROMOTED, "3", "2"), (BY_HAND, "1", "2"), (PROMOTED, "3", "1")]
    assert [entry.completed_at is not None for entry in two_versions.entries[2:]] == [False, True, True]


@pytest.mark.parametrize("step", ["before the alias", "after the alias", "among the tags", "after the tags"])
def test_an_interrupted_promotion_is_completed_by_the_next_gate(gate: Gate, good: Path, weak: Path, step: str) -> None:
    gate.judge(gate.add(weak))
    gate.add(good)
    with pytest.raises(Killed):
        gate.judge("2", InterruptedRegistry(gate.settings, step))

    record_manual_move(gate.registry, gate.ledger, ACTOR)
    assert BY_HAND not in {entry.action for entry in gate.entries}
    outcome = gate.judge("2")

    assert (outcome.decision.promote, outcome.decision.rule) == (True, Rule.BETTER)
    assert gate.production == "2"
    assert gate.tags("2")["gate.decision"] == "promoted"
    assert gate.tags("2")["gate.replaced"] == "1"
    done = [entry.version for entry in gate.entries if entry.completed_at]
    assert done == ["1", "2"]
    assert rolled_back(gate) == ("2", "1")


@pytest.mark.parametrize("step", ["among the tags", "after the tags"])
def test_an_interrupted_refusal_is_completed_by_the_next_gate(gate: Gate, good: Path, weak: Path, step: str) -> None:
    gate.judge(gate.add(good))
    gate.add(weak)
    with pytest.raises(Killed):
        gate.judge("2", InterruptedRegistry(gate.settings, step))

    assert not gate.judge("2").new
    assert gate.tags("2")["gate.rule"] == "worse"
    assert [entry.completed_at is not None for entry in gate.entries] == [True, True]


@pytest.mark.parametrize("step", ["before the alias", "after the alias", "among the tags", "after the tags"])
@pytest.mark.parametrize("request_", [None, "a run"])
def test_an_interrupted_rollback_can_be_repeated_without_going_back_twice(
    two_versions: Gate, good: Path, step: str, request_: str | None
) -> None:
    gate = two_versions
    gate.approve(gate.add(good))
    with pytest.raises(Killed):
        rolled_back(gate, None, InterruptedRegistry(gate.settings, step), request_)

    assert rolled_back(gate, None, None, request_) == ("3", "2")
    assert gate.production == "2"
    assert "gate.rolled_back" in gate.tags("3")
    assert BY_HAND not in {entry.action for entry in gate.entries}
    assert [entry.action for entry in gate.entries if entry.completed_at].count(ROLLED_BACK) == 1
    assert rolled_back(gate, None, None, request_ and "another run") == ("2", "1"), "a new request goes one further"


def test_a_request_that_was_overtaken_by_another_decision_changes_nothing(two_versions: Gate, good: Path) -> None:
    assert rolled_back(two_versions, None, None, "a run") == ("2", "1")
    assert rolled_back(two_versions, None, None, "a run") == ("2", "1")
    two_versions.approve(two_versions.add(good))

    with pytest.raises(
        RegistryRefusalError, match=r"^This run went back from version 2 to version 1 on 20.*version 3 is"
    ):
        rolled_back(two_versions, None, None, "a run")
    assert two_versions.production == "3"


def test_a_request_whose_target_was_settled_is_not_given_another_one(two_versions: Gate, good: Path) -> None:
    with pytest.raises(Killed):
        rolled_back(two_versions, None, InterruptedRegistry(two_versions.settings, "before the alias"), "a run")
    two_versions.approve(two_versions.add(good))

    with pytest.raises(RegistryRefusalError, match=r"^This run began to go back from version 2 to version 1 on 20"):
        rolled_back(two_versions, None, None, "a run")
    assert two_versions.production == "3"


def test_the_ledger_refuses_an_unknown_action(gate: Gate) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="gate_decisions_action"), gate.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO gate_decisions (action, actor, reason, rule, figures) VALUES ('a', 'b', 'c', 'd', '{}')"
            )
        )
