"""Signed approvals on a real registry and a real ledger: what is signed, healed, adopted and signed again."""

import dataclasses
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from ml.core.bundle import MANIFEST_FILE, sha256_of
from ml.core.errors import RegistryError, SettingsError, UnapprovedError
from ml.core.names import PRODUCTION, PUBLIC_KEYS, SIGNING_KEY
from ml.core.signing.approval import TAG, Verified, verify_version
from ml.core.signing.keys import read_public_keys, rotate
from ml.promotion.evidence import Rule
from ml.promotion.gate import run_gate
from ml.promotion.ledger import Action
from ml.promotion.production_alias import adopt, is_adoption_due
from ml.promotion.rollback import roll_back
from ml.promotion.rotation import pending, sign_again
from tests.integration.ml.promotion.gates import ACTOR, Gate
from tests.support.signing import KEY, new_pair


def verified(gate: Gate, number: str) -> Verified:
    keys = read_public_keys(gate.settings.model_public_keys_file)
    return verify_version(gate.tags(number).get(TAG), keys, "diabetes-readmission", number)


def replace_manifest(gate: Gate, number: str) -> None:
    """As anybody can who reaches MLflow."""
    api = f"{gate.settings.mlflow_tracking_uri}/api/2.0"
    where = {"name": "diabetes-readmission", "version": number}
    uri = httpx.get(f"{api}/mlflow/model-versions/get-download-uri", params=where).json()["artifact_uri"]
    url = f"{api}/mlflow-artifacts/artifacts/{uri.removeprefix('mlflow-artifacts:/').lstrip('/')}/{MANIFEST_FILE}"
    httpx.put(url, content=httpx.get(url).content + b"\n").raise_for_status()


@pytest.fixture
def two_approved(gate: Gate, good: Path, weak: Path) -> Gate:
    """Version 2 replaced version 1 in production."""
    gate.approve(gate.add(weak))
    gate.approve(gate.add(good))
    return gate


def test_a_promotion_signs_version_and_manifest_in_ledger_and_registry(gate: Gate, good: Path) -> None:
    gate.judge(gate.add(good))
    (entry,) = gate.entries
    approval = verified(gate, "1").approval

    assert entry.approval == gate.tags("1")[TAG]
    assert (approval.sequence, approval.action, approval.actor) == (entry.id, "promoted", ACTOR)
    assert approval.manifest_sha256 == sha256_of(good / MANIFEST_FILE)
    assert approval.approved_time == entry.decided_at.replace(microsecond=0)


def test_a_rollback_signs_its_target_with_a_higher_sequence(two_approved: Gate) -> None:
    before = verified(two_approved, "1").approval
    roll_back(two_approved.settings, two_approved.engine, two_approved.registry, ACTOR)
    after = verified(two_approved, "1").approval

    assert after.sequence > verified(two_approved, "2").approval.sequence > before.sequence
    assert (after.manifest_sha256, after.action) == (before.manifest_sha256, "rolled_back")


@pytest.mark.parametrize("overrule", [True, False])
@pytest.mark.parametrize("pointed", [None, "forged"])
def test_a_promotion_restores_an_alias_that_was_deleted_or_moved_to_a_forged_version(
    two_approved: Gate, good: Path, pointed: str | None, overrule: bool
) -> None:
    if pointed is None:
        two_approved.delete_alias()
    else:
        two_approved.registry.set_alias(PRODUCTION, two_approved.add(good))
    gate = two_approved
    outcome = run_gate(gate.settings, gate.engine, gate.registry, "2", ACTOR, overrule=overrule)

    assert (outcome.new, outcome.decision.promote, outcome.decision.rule) == (True, True, Rule.RESTORED)
    there = "version 3" if pointed else "no version"
    assert outcome.decision.reason == f"production pointed to {there} and points to the decided version again"
    assert gate.production == "2"
    assert verified(gate, "2").approval.sequence == gate.entries[-1].id
    assert roll_back(gate.settings, gate.engine, gate.registry, ACTOR).target == "1"


def test_only_a_person_moves_production_back_from_an_approved_version(two_approved: Gate) -> None:
    gate = two_approved
    gate.registry.set_alias(PRODUCTION, "1")

    left = run_gate(gate.settings, gate.engine, gate.registry, "2", ACTOR, overrule=False)
    assert (left.new, left.decision.promote, left.decision.rule) == (False, False, Rule.SUPERSEDED)
    assert left.decision.reason.startswith("production was moved by hand to version 1, which was approved before")
    assert gate.production == "1"

    assert gate.judge("2").decision.rule is Rule.RESTORED
    assert gate.production == "2"


def test_a_manual_move_is_made_official_by_a_rollback_to_it(two_approved: Gate) -> None:
    gate = two_approved
    gate.registry.set_alias(PRODUCTION, "1")

    done = roll_back(gate.settings, gate.engine, gate.registry, ACTOR, "1")
    assert (done.withdrawn, done.target, gate.production) == ("2", "1", "1")
    assert verified(gate, "1").approval.sequence == gate.entries[-1].id


def test_a_deleted_or_forged_approval_is_written_again(two_approved: Gate) -> None:
    for tag in ("promoted", ""):
        two_approved.registry.set_tags("2", {TAG: tag})
        assert two_approved.judge("2").decision.rule is Rule.RESTORED
        assert verified(two_approved, "2").key_id == KEY.id
    assert two_approved.judge("2").new is False


def test_a_version_that_was_replaced_is_not_reported_as_promoted(two_approved: Gate) -> None:
    outcome = two_approved.judge("1")

    assert (outcome.new, outcome.decision.promote, outcome.decision.rule) == (False, False, Rule.SUPERSEDED)
    assert outcome.decision.reason == ("version 2 was decided on after it: `python -m ml rollback --to 1` goes back")


def test_a_forged_version_is_no_target_of_a_rollback_and_no_incumbent(two_approved: Gate, good: Path) -> None:
    gate = two_approved
    forged = gate.add(good, **{"gate.decision": "promoted", "gate.replaced": "1"})
    for number in (forged, "2"):
        gate.registry.set_alias(PRODUCTION, number)
        with pytest.raises(
            RegistryError, match=r"^Version 3 was never approved by the gate: run `python -m ml promote"
        ):
            roll_back(gate.settings, gate.engine, gate.registry, ACTOR, forged)
    assert roll_back(gate.settings, gate.engine, gate.registry, ACTOR).target == "1"


def test_replaced_files_are_not_signed_again(two_approved: Gate) -> None:
    gate = two_approved
    for number in ("1", "2"):
        replace_manifest(gate, number)
    gate.delete_alias()

    with pytest.raises(UnapprovedError, match=r"^version 2 has other files than the gate approved: restore them"):
        gate.judge("2")
    with pytest.raises(UnapprovedError, match=r"^version 1 has other files than the gate approved: restore them"):
        roll_back(gate.settings, gate.engine, gate.registry, ACTOR, "1")
    assert gate.production is None


def as_before_approvals(gate: Gate) -> None:
    """The state that an earlier release left."""
    with gate.engine.begin() as connection:
        connection.execute(sa.text("GRANT UPDATE ON gate_decisions TO CURRENT_USER"))
        connection.execute(sa.text("UPDATE gate_decisions SET approval = NULL"))
    for number in ("1", "2"):
        gate.registry.delete_tag(number, TAG)


def test_production_of_an_earlier_release_is_signed_once(two_approved: Gate) -> None:
    gate = two_approved
    as_before_approvals(gate)
    assert is_adoption_due(gate.ledger)
    for _ in range(2):
        adopt(gate.settings, gate.engine, gate.registry, ACTOR)

    assert [entry.action for entry in gate.entries][2:] == [Action.ADOPTED]
    assert not is_adoption_due(gate.ledger)
    assert verified(gate, "2").approval.action == "adopted"
    assert TAG not in gate.tags("1")
    done = roll_back(gate.settings, gate.engine, gate.registry, ACTOR)
    assert (done.target, verified(gate, "1").approval.action) == ("1", "rolled_back")


def test_a_version_that_was_set_by_hand_is_not_adopted(two_approved: Gate, good: Path) -> None:
    gate = two_approved
    as_before_approvals(gate)
    gate.registry.set_alias(PRODUCTION, gate.add(good))
    adopt(gate.settings, gate.engine, gate.registry, ACTOR)

    assert TAG not in gate.tags("3")
    assert is_adoption_due(gate.ledger)
    assert [entry.action for entry in gate.entries][2:] == [Action.MOVED_BY_HAND]


def test_a_rotation_signs_what_is_approved_again_in_its_order(two_approved: Gate, tmp_path: Path) -> None:
    new_pair(tmp_path)
    (tmp_path / SIGNING_KEY).write_text(Path(two_approved.settings.model_signing_key_file).read_text())
    (tmp_path / PUBLIC_KEYS).chmod(0o644)
    (tmp_path / PUBLIC_KEYS).write_text(Path(two_approved.settings.model_public_keys_file).read_text())
    files = {"model_signing_key_file": tmp_path / SIGNING_KEY, "model_public_keys_file": tmp_path / PUBLIC_KEYS}
    gate = dataclasses.replace(two_approved, settings=two_approved.settings.model_copy(update=files))
    key = rotate(*files.values())
    assert pending(gate.settings, gate.engine, gate.registry) == ["1", "2"]

    done = sign_again(gate.settings, gate.engine, gate.registry, ACTOR)

    assert (done.signed, done.key_id) == (("1", "2"), key.id)
    assert [entry.action for entry in gate.entries][2:] == [Action.SIGNED_AGAIN] * 2
    assert verified(gate, "1").approval.sequence < verified(gate, "2").approval.sequence
    assert {verified(gate, number).key_id for number in "12"} == {key.id}
    assert verified(gate, "2").approval.action == "promoted"
    assert sign_again(gate.settings, gate.engine, gate.registry, ACTOR).signed == ()
    assert gate.production == "2"


def test_without_the_private_key_nothing_is_decided(gate: Gate, good: Path, tmp_path: Path) -> None:
    number = gate.add(good)
    away = dataclasses.replace(
        gate, settings=gate.settings.model_copy(update={"model_signing_key_file": tmp_path / "none"})
    )

    with pytest.raises(SettingsError, match=r"^The file with the private key of the gate, .*none, cannot be read"):
        away.judge(number)
    assert gate.entries == []
