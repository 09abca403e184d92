"""The gate on a real registry and a real ledger: which versions are promoted, and by which rule."""

import json
import shutil
import threading
from pathlib import Path

import pytest

from ml.core.bundle import GOLDEN_FILE, MANIFEST_FILE, sha256_of
from ml.core.errors import BundleError, RegistryError, WarehouseError
from ml.core.names import CHALLENGER
from ml.core.settings import MlSettings
from ml.evaluation.registered_version import evaluate_version, predict
from ml.features.records import to_table
from ml.promotion.evidence import Rule
from ml.promotion.gate import run_gate
from ml.promotion.ledger import Action
from ml.promotion.rollback import roll_back
from ml.registry.client import Registry
from ml.training.code_version import code_version
from ml.warehouse.connection import warehouse
from ml.warehouse.datasets import Dataset
from tests.integration.ml.promotion.gates import ACTOR, MINORITY, Gate, delete_files, polled_alias


def test_a_better_version_is_promoted_without_a_gap(gate: Gate, good: Path, weak: Path, mlflow_server: str) -> None:
    assert gate.judge(gate.add(weak)).decision.rule is Rule.FIRST
    number = gate.add(good)
    with polled_alias(mlflow_server) as seen:
        outcome = gate.judge(number)

    assert (outcome.decision.promote, outcome.decision.rule, outcome.note) == (True, Rule.BETTER, None)
    assert outcome.decision.reason.startswith("AUROC is better: +0.")
    assert set(seen) == {"1", "2"}, "the alias was there all the time"
    tags = gate.tags("2")
    assert (tags["gate.decision"], tags["gate.rule"], tags["gate.replaced"]) == ("promoted", "better", "1")
    assert tags["gate.reason"] == outcome.decision.reason


def test_the_ledger_records_actor_reason_and_figures(gate: Gate, good: Path, weak: Path, dataset: Dataset) -> None:
    gate.judge(gate.add(weak))
    outcome = gate.judge(gate.add(good))
    first, second = gate.entries

    assert (first.action, first.version, first.incumbent, first.rule) == (Action.PROMOTED, "1", None, "first")
    assert (second.action, second.version, second.incumbent, second.rule) == (Action.PROMOTED, "2", "1", "better")
    assert (second.actor, second.reason) == (ACTOR, outcome.decision.reason)
    assert second.completed_at is not None
    assert second.completed_at >= second.decided_at > first.decided_at
    figures = second.figures
    assert figures["encounters"] == len(dataset.test)
    assert set(figures["calibration"]) == {"ece", "calibration_intercept", "calibration_slope"}
    assert set(figures["differences"]) == {"auroc", "average_precision", "brier"}
    assert figures["differences"]["auroc"]["low"] > 0
    assert {"gender Female", "gender Male", f"race {MINORITY}"} <= {group["name"] for group in figures["subgroups"]}
    assert figures["present"] == {"data_version": dataset.version.data_version, "code_version": code_version()}
    assert [figures[side]["version"] for side in ("candidate", "incumbent")] == ["2", "1"]


def test_a_version_is_decided_on_once(gate: Gate, good: Path) -> None:
    first = gate.judge(gate.add(good))
    again = gate.judge("1")

    assert (first.new, again.new) == (True, False)
    assert again.decision == first.decision
    assert len(gate.entries) == 1


def test_a_worse_version_is_refused_and_production_stays(gate: Gate, good: Path, weak: Path) -> None:
    gate.judge(gate.add(good))
    outcome = gate.judge(gate.add(weak))
    tags = gate.tags("2")

    assert (outcome.decision.promote, outcome.decision.rule) == (False, Rule.WORSE)
    assert "AUROC is shown to be worse: -0." in tags["gate.reason"]
    assert (tags["gate.decision"], tags["gate.rule"]) == ("refused", "worse")
    assert "gate.replaced" not in tags
    assert gate.production == "1"
    assert gate.actions == [(Action.PROMOTED, "1", None), (Action.REFUSED, "2", "1")]


def test_a_version_whose_risks_are_too_high_is_refused_even_as_the_first(gate: Gate, rebalanced: Path) -> None:
    outcome = gate.judge(gate.add(rebalanced))

    assert (outcome.decision.promote, outcome.decision.rule) == (False, Rule.CALIBRATION)
    assert outcome.decision.reason.startswith("calibration in the large is -")
    assert gate.production is None


def test_a_version_that_is_worse_for_a_subgroup_is_refused_though_it_is_better_overall(
    gate: Gate, unfair: Path, reversed_model: Path
) -> None:
    gate.approve(gate.add(reversed_model))  # no gate would let it pass
    outcome = gate.judge(gate.add(unfair))

    assert (outcome.decision.promote, outcome.decision.rule) == (False, Rule.SUBGROUP)
    assert outcome.decision.reason.startswith(f"for race {MINORITY} (")
    assert "AUROC falls: -0." in outcome.decision.reason
    assert gate.entries[-1].figures["differences"]["auroc"]["low"] > 0
    assert gate.production == "1"


@pytest.mark.parametrize(
    ("candidate", "rule"),
    [
        ({"data_version": "present", "code_version": "before"}, Rule.NEW_DATA),
        ({"data_version": "before", "code_version": "present"}, Rule.NEW_CODE),
        ({"data_version": "before", "code_version": "before"}, Rule.NOTHING_NEW),
    ],
)
def test_an_equal_version_is_promoted_only_with_newer_data_or_code(
    gate: Gate, good: Path, dataset: Dataset, candidate: dict[str, str], rule: Rule
) -> None:
    before = {"data_version": "of before", "code_version": "of before"}
    present = {"data_version": dataset.version.data_version, "code_version": code_version()}
    gate.judge(gate.add(good, **before))
    made_of = {name: present[name] if time == "present" else before[name] for name, time in candidate.items()}
    outcome = gate.judge(gate.add(good, **made_of))

    assert outcome.decision.rule is rule
    assert gate.production == ("1" if rule is Rule.NOTHING_NEW else "2")


def test_synthetic_never_replaces_real_and_real_replaces_synthetic(gate: Gate, good: Path, weak: Path) -> None:
    gate.judge(gate.add(good, "synthetic"))
    real = gate.judge(gate.add(weak, "real"))
    synthetic = gate.judge(gate.add(good, "synthetic"))

    assert (real.decision.promote, real.decision.rule) == (True, Rule.ORIGIN)
    assert (synthetic.decision.promote, synthetic.decision.rule) == (False, Rule.ORIGIN)
    assert gate.production == "2"


def test_a_version_whose_golden_requests_fail_is_refused(gate: Gate, good: Path, tmp_path: Path) -> None:
    spoilt = Path(shutil.copytree(good, tmp_path / "spoilt"))
    golden = json.loads((spoilt / GOLDEN_FILE).read_text())
    golden["requests"][0]["probability"] += 0.01
    (spoilt / GOLDEN_FILE).write_text(json.dumps(golden))
    manifest = json.loads((spoilt / MANIFEST_FILE).read_text())
    manifest["files"][GOLDEN_FILE] = sha256_of(spoilt / GOLDEN_FILE)
    (spoilt / MANIFEST_FILE).write_text(json.dumps(manifest))

    outcome = gate.judge(gate.add(spoilt))

    assert (outcome.decision.promote, outcome.decision.rule) == (False, Rule.SOUNDNESS)
    assert outcome.decision.reason.startswith("the bundle is not sound: The golden requests fail")
    assert gate.production is None
    with pytest.raises(BundleError, match=r"^The golden requests fail"):
        evaluate_version(gate.settings, gate.engine, gate.registry, "1")


@pytest.mark.parametrize("lost", ["", "golden.json", "model.onnx"])
def test_a_production_version_whose_files_were_deleted_is_replaced_by_a_sound_one(
    gate: Gate, good: Path, weak: Path, mlflow_server: str, lost: str
) -> None:
    gate.judge(gate.add(good))
    delete_files(mlflow_server, "1", lost)
    outcome = gate.judge(gate.add(weak))

    assert (outcome.decision.promote, outcome.decision.rule) == (True, Rule.INCUMBENT)
    assert "Version 1 has lost files in MLflow: " in outcome.decision.reason
    assert (lost or "manifest.json") in outcome.decision.reason
    assert gate.production == "2"
    with pytest.raises(BundleError, match=r"^Version 1 has lost files in MLflow: [^\n]*\.$"):
        predict(gate.registry, to_table([{}]), "1")


def test_a_candidate_whose_files_were_deleted_is_refused(gate: Gate, good: Path, mlflow_server: str) -> None:
    gate.judge(gate.add(good))
    delete_files(mlflow_server, gate.add(good))

    assert gate.judge("2").decision.rule is Rule.SOUNDNESS
    assert gate.production == "1"


def test_an_unreachable_mlflow_is_an_error_and_no_fault_of_a_version(gate: Gate, good: Path) -> None:
    gate.judge(gate.add(good))
    away = Registry(gate.settings.model_copy(update={"mlflow_tracking_uri": "http://127.0.0.1:18498"}))

    with pytest.raises(RegistryError) as reported:
        gate.judge("1", away)

    assert str(reported.value) == (
        "MLflow at http://127.0.0.1:18498 does not answer: start it, or correct MLFLOW_TRACKING_URI."
    )
    Registry(gate.settings)  # the address is global to MLflow
    assert len(gate.entries) == 1


def test_an_unreachable_postgresql_is_an_error_and_moves_nothing(gate: Gate, good: Path) -> None:
    number = gate.add(good)
    away = MlSettings.load(_env_file=None, postgres_port=18499, diabetes_db_password="unused")
    with warehouse(away) as engine, pytest.raises(WarehouseError, match=r"^PostgreSQL at 127\.0\.0\.1:18499 does not"):
        run_gate(gate.settings, engine, gate.registry, number)

    assert gate.production is None


def test_an_empty_registry_is_reported(gate: Gate) -> None:
    with pytest.raises(RegistryError, match=r"^There is no challenger: run train_models_diabetes_simple"):
        gate.judge()
    with pytest.raises(RegistryError, match=r"^There is no production version to roll back\.$"):
        roll_back(gate.settings, gate.engine, gate.registry, ACTOR)
    with pytest.raises(RegistryError, match=r"^There is no production model yet: run train_models_diabetes_simple\.$"):
        predict(gate.registry, to_table([{}]))
    with pytest.raises(RegistryError, match=r"^MLflow at http://127\.0\.0\.1:\d+ reports: .*not found") as reported:
        gate.judge("77")
    assert "\n" not in str(reported.value)
    assert gate.registry.version_by_alias(CHALLENGER) is None
    assert gate.registry.versions() == []
    assert gate.entries == []


def test_two_gates_wait_for_each_other(gate: Gate) -> None:
    entered = threading.Event()

    def other() -> None:
        with gate.ledger.lock():
            entered.set()

    with gate.ledger.lock():
        waiting = threading.Thread(target=other)
        waiting.start()
        assert not entered.wait(0.5)
    waiting.join(10)
    assert entered.is_set()
