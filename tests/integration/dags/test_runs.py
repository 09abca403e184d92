"""Every DAG runs twice on a real PostgreSQL and a real MLflow."""

import json
import re

import pytest
from mlflow import MlflowClient

from ml.core.names import MODEL_NAME, MONITORING_EXPERIMENT
from ml.core.settings import MlflowSettings, MlSettings
from ml.monitoring.drift import State
from ml.promotion.approvals import Approver, sound_digest
from ml.promotion.evidence import Rule
from ml.promotion.ledger import Action, Ledger
from ml.promotion.production_alias import apply
from ml.registry.client import Registry
from ml.warehouse.connection import transaction, warehouse
from ml.warehouse.datasets import current_version
from tests.integration.dags.dag_runs import Run, run_dags
from tests.integration.ml.monitoring.prediction_log import latest_run
from tests.support.airflow_home import Airflow


@pytest.fixture(scope="module")
def runs(airflow: Airflow) -> list[Run]:
    """DAG runs: two before there are data or models, then each DAG twice on the same data."""
    order = ["train_models_diabetes_simple", *2 * ["ingest_diabetes"], *2 * ["train_models_diabetes_simple"]]
    order += [*2 * ["auto_model_train_diabetes"], "monitor_diabetes"]
    order.insert(0, "monitor_diabetes")
    return run_dags(airflow, *order)


@pytest.fixture(scope="module")
def registry(airflow: Airflow, runs: list[Run]) -> MlflowClient:
    return MlflowClient(airflow.environment["MLFLOW_TRACKING_URI"])


def test_every_run_succeeds(runs: list[Run]) -> None:
    assert [(run.dag_id, run.state) for run in runs if run.state != "success"] == []


def test_training_before_the_first_ingestion_is_skipped(runs: list[Run]) -> None:
    assert re.search(r"Skipped: .*run ingest_diabetes", runs[1].log)


@pytest.mark.parametrize("index", [3, 5, 7])
def test_a_second_run_on_the_same_data_reports_nothing_new(runs: list[Run], index: int) -> None:
    assert runs[index].dag_id == runs[index - 1].dag_id
    assert "othing new" in runs[index].log
    assert "othing new" not in runs[index - 1].log


def test_monitoring_before_the_first_model_is_skipped(runs: list[Run]) -> None:
    assert "No version is in production to be monitored" in runs[0].log


def test_monitoring_without_predictions_saves_not_enough_data_and_updates_no_asset(
    runs: list[Run], settings: MlSettings
) -> None:
    with warehouse(settings) as engine:
        found = latest_run(engine)
    assert found is not None
    assert (found.state, found.predictions) == (State.NOT_ENOUGH_DATA, 0)
    assert "Skipped: nothing to announce: not enough data" in runs[-1].log


def test_ingestion_fills_train_and_test_data_once(runs: list[Run], settings: MlSettings) -> None:
    with warehouse(settings) as engine, transaction(engine) as connection:
        version = current_version(connection)
        ingested = connection.exec_driver_sql("SELECT count(*) FROM ingestions").scalar_one()
        counts = "SELECT (SELECT count(*) FROM train_data) + (SELECT count(*) FROM test_data)"
        split = connection.exec_driver_sql(counts).scalar_one()
    assert ingested == 1
    assert split == version.train_rows + version.test_rows
    assert version.provenance == "synthetic"


def test_training_and_search_register_one_version_each(registry: MlflowClient) -> None:
    found = registry.search_model_versions(f"name = '{MODEL_NAME}'")
    assert sorted(int(version.version) for version in found) == [1, 2]


def test_the_first_version_was_promoted_and_the_gate_decided_on_the_second(registry: MlflowClient) -> None:
    assert registry.get_model_version(MODEL_NAME, "1").tags["gate.decision"] == "promoted"
    assert registry.get_model_version(MODEL_NAME, "2").tags["gate.decision"] in ("promoted", "refused")
    assert registry.get_model_version_by_alias(MODEL_NAME, "challenger").version == "2"
    assert registry.get_model_version_by_alias(MODEL_NAME, "production").version in ("1", "2")


def test_a_run_in_mlflow_names_its_airflow_run_and_links_to_it(registry: MlflowClient) -> None:
    tags = registry.get_run(registry.get_model_version(MODEL_NAME, "1").run_id).data.tags
    assert tags["airflow.dag_id"] == "train_models_diabetes_simple"
    assert tags["airflow.run_id"].startswith("manual__")
    assert tags["airflow.url"].startswith("http://localhost:8080/dags/train_models_diabetes_simple/runs/manual__")
    assert f"({tags['airflow.url']})" in tags["mlflow.note.content"]


def decide_on(airflow: Airflow, settings: MlSettings, *numbers: str) -> None:
    """Promote versions one after the other, whatever the gate would decide."""
    versions = Registry(MlflowSettings.load(mlflow_tracking_uri=airflow.environment["MLFLOW_TRACKING_URI"]))
    approver = Approver.from_settings(settings)
    with warehouse(settings) as engine, (ledger := Ledger(engine)).lock():
        for number in numbers:
            pointed = versions.version_by_alias("production")
            assert pointed is not None
            sign = approver.sign(number, sound_digest(versions, versions.version(number)))
            entry = ledger.add(
                Action.PROMOTED, number, pointed.number, actor="the test", reason="a drill", rule=Rule.BETTER, sign=sign
            )
            apply(versions, ledger, entry, pointed.number)


def test_a_rollback_is_recorded_and_a_second_one_is_refused(
    airflow: Airflow, registry: MlflowClient, settings: MlSettings
) -> None:
    before = registry.get_model_version_by_alias(MODEL_NAME, "production").version
    target = {"1": "2", "2": "1"}[before]
    decide_on(airflow, settings, target, before)
    params = json.dumps({"to": target, "actor": "the operator", "reason": "a drill"})
    without_reason = json.dumps({"to": target, "reason": None})
    accepted, refused = run_dags(airflow, f"roll_back_model={params}", f"roll_back_model={without_reason}")

    assert accepted.state == "success"
    assert registry.get_model_version_by_alias(MODEL_NAME, "production").version == target
    assert "gate.rolled_back" in registry.get_model_version(MODEL_NAME, before).tags
    with warehouse(settings) as engine:
        entry = Ledger(engine).newest()
    assert entry is not None
    assert (entry.action, entry.version, entry.incumbent) == (Action.ROLLED_BACK, target, before)
    assert entry.actor.startswith("the operator (dag_test@Airflow: roll_back_model ")
    assert entry.reason.endswith(": a drill")

    assert refused.state == "failed"
    assert f"Version {target} is in production already." in refused.log
    assert "Traceback" not in refused.log
    assert "up_for_retry" not in refused.log


def test_deleted_experiments_are_restored(airflow: Airflow, registry: MlflowClient, settings: MlSettings) -> None:
    for name in (MODEL_NAME, MONITORING_EXPERIMENT):
        registry.delete_experiment(registry.get_experiment_by_name(name).experiment_id)
    (monitored,) = run_dags(airflow, "monitor_diabetes")

    assert monitored.state == "success"
    assert registry.get_experiment_by_name(MONITORING_EXPERIMENT).lifecycle_stage == "active"
    with warehouse(settings) as engine:
        found = latest_run(engine)
    assert found is not None
    assert registry.get_run(found.details["mlflow_run"]).data.tags["airflow.dag_id"] == "monitor_diabetes"


def test_a_backfill_of_the_monitoring_is_refused_once(
    airflow: Airflow, registry: MlflowClient, settings: MlSettings
) -> None:
    with warehouse(settings) as engine:
        before = latest_run(engine)
        (backfilled,) = run_dags(airflow, "monitor_diabetes@2026-11-01")
        assert latest_run(engine) == before

    assert backfilled.state == "failed"
    assert "measures the predictions up to now and cannot be backfilled" in backfilled.log
    assert "Traceback" not in backfilled.log


def test_a_split_whose_worker_died_after_its_commit_is_announced_by_the_next_try(
    airflow: Airflow, registry: MlflowClient
) -> None:
    newer = Airflow(airflow.environment | {"SYNTHETIC_SEED": "8"})
    newer.run("-m", "ml", "ingest")  # commits, and announces nothing
    announced, again = run_dags(newer, *2 * ["ingest_diabetes"])

    assert announced.state == again.state == "success"
    assert "othing new: train and test data are of version" in announced.log
    assert "is announced already" not in announced.log
    assert "is announced already" in again.log


def test_tasks_of_an_old_ingestion_say_once_that_their_input_is_deleted(
    airflow: Airflow, registry: MlflowClient
) -> None:
    newer = Airflow(airflow.environment | {"SYNTHETIC_SEED": "7"})
    _newer, load, validate = run_dags(
        newer, "ingest_diabetes", "ingest_diabetes!load_raw_data", "ingest_diabetes!validate"
    )

    for again in (load, validate):
        assert again.state == "failed", again.log[-3000:]
        assert "does not exist any more" in again.log
        assert "Traceback" not in again.log
        assert "clear download_data with the tasks after it" in again.log


def test_a_deleted_registered_model_fails_an_old_gate_once_and_is_trained_again(
    airflow: Airflow, registry: MlflowClient
) -> None:
    registry.delete_registered_model(MODEL_NAME)
    gate, trained = run_dags(airflow, "auto_model_train_diabetes!gate", "train_models_diabetes_simple")

    assert gate.state == "failed", gate.log[-3000:]
    assert "not found" in gate.log
    assert trained.state == "success", trained.log[-3000:]
    assert registry.get_model_version_by_alias(MODEL_NAME, "production").version == "1"
