"""The DAGs as Airflow parses them: import, structure, retries."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.airflow_home import Airflow, airflow_environment

TAGS = {"data", "model"}
STRUCTURE = {
    "ingest_diabetes": {
        "download_data": [],
        "validate": ["download_data"],
        "load_raw_data": ["download_data", "validate"],
        "split": ["load_raw_data"],
        "announce": ["split"],
    },
    "train_models_diabetes_simple": {
        "train_random_forest": [],
        "gate": ["train_random_forest"],
        "report": ["gate", "train_random_forest"],
    },
    "auto_model_train_diabetes": {
        "plan_search": [],
        "run_trial": ["plan_search"],
        "refit_best": ["run_trial"],
        "gate": ["refit_best"],
        "report": ["gate", "refit_best"],
    },
    "monitor_diabetes": {
        "detect_drift": [],
        "realise_quality": ["detect_drift"],
        "announce": ["realise_quality"],
    },
    "roll_back_model": {"roll_back": []},
    "retain_diabetes": {
        "delete_versions_and_rows": [],
        "clean_metadata": ["delete_versions_and_rows"],
        "delete_task_logs": ["clean_metadata"],
    },
    "score_diabetes": {"score": []},
}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    home = tmp_path_factory.mktemp("airflow")
    found = Airflow(airflow_environment(home, f"sqlite:///{home}/airflow.db"))
    found.run("-m", "airflow", "db", "migrate")
    return found


@pytest.fixture(scope="module")
def described(airflow: Airflow) -> dict[str, Any]:
    return describe(airflow)


def describe(airflow: Airflow, **variables: str) -> dict[str, Any]:
    printed = Airflow(airflow.environment | variables).run("-m", "tests.support.describe_dags")
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


IN_SCHEDULER = {
    "train_models_diabetes_simple.gate": "signs",
    "auto_model_train_diabetes.gate": "signs",
    "roll_back_model.roll_back": "signs",
    "retain_diabetes.clean_metadata": "changes Airflow's database",
    "retain_diabetes.delete_task_logs": "changes the volume of all logs",
    "score_diabetes.score": "reads and writes files below DATA_DIR",
}
"""Tasks that no worker runs, with the reason."""


@pytest.mark.parametrize("executors", ["LocalExecutor", "CeleryExecutor,LocalExecutor"])
def test_tasks_that_need_what_workers_do_not_have_run_in_the_scheduler(airflow: Airflow, executors: str) -> None:
    found = describe(airflow, AIRFLOW__CORE__EXECUTOR=executors)
    assert found["import_errors"] == {}
    tasks = {f"{dag_id}.{name}": task for dag_id, dag in found["dags"].items() for name, task in dag["tasks"].items()}
    assert {name for name, task in tasks.items() if task["executor"] == "LocalExecutor"} == IN_SCHEDULER.keys()
    assert {task["executor"] for name, task in tasks.items() if name not in IN_SCHEDULER} == {None}


def test_every_file_imports(described: dict[str, Any]) -> None:
    assert described["import_errors"] == {}


def test_dags_and_tasks_match_the_design(described: dict[str, Any]) -> None:
    found = {
        dag_id: {task_id: task["upstream"] for task_id, task in dag["tasks"].items()}
        for dag_id, dag in described["dags"].items()
    }
    assert found == STRUCTURE


@pytest.mark.parametrize(
    ("dag_id", "schedule"),
    [
        ("ingest_diabetes", "0 0 * * *"),
        ("train_models_diabetes_simple", "Asset or 0 0 * * *"),
        ("auto_model_train_diabetes", "0 0 * * 0"),
        ("monitor_diabetes", "0 0 * * *"),
        ("roll_back_model", "None"),
        ("retain_diabetes", "30 4 * * 0"),
        ("score_diabetes", "None"),
    ],
)
def test_schedules_match_the_design(described: dict[str, Any], dag_id: str, schedule: str) -> None:
    assert described["dags"][dag_id]["schedule"] == schedule


@pytest.mark.parametrize("dag_id", STRUCTURE)
def test_every_dag_is_documented_and_tagged_and_runs_once_at_a_time(described: dict[str, Any], dag_id: str) -> None:
    dag = described["dags"][dag_id]
    assert "*On failure:*" in dag["doc"]
    when, _colon, what = dag["description"].partition(": ")
    assert when.split()[0] in ("Daily", "Weekly", "On")
    assert 30 < len(what) <= 100
    assert dag["tags"]
    assert set(dag["tags"]) <= TAGS
    assert not dag["catchup"]
    assert dag["max_active_runs"] == 1
    assert dag["paused_at_creation"] is not False


@pytest.mark.parametrize("dag_id", STRUCTURE)
def test_every_task_has_retries_a_timeout_an_owner_and_documentation(described: dict[str, Any], dag_id: str) -> None:
    for task_id, task in described["dags"][dag_id]["tasks"].items():
        assert task["retries"] == 3, task_id
        assert 0 < task["timeout_seconds"] <= 3600, task_id
        assert task["owner"] == "mlops", task_id
        assert task["documented"], task_id
        assert task["has_retry_policy"], task_id


def test_the_asset_links_ingestion_to_training(described: dict[str, Any]) -> None:
    assert described["dags"]["ingest_diabetes"]["tasks"]["announce"]["outlets"] == ["training-data"]


def test_drift_starts_a_search_only_with_retrain_on_drift(airflow: Airflow) -> None:
    dags = describe(airflow, RETRAIN_ON_DRIFT="true")["dags"]
    assert dags["monitor_diabetes"]["tasks"]["announce"]["outlets"] == ["drift"]
    assert dags["auto_model_train_diabetes"]["schedule"] == "Asset or 0 0 * * 0"


def test_trials_are_mapped_tasks(described: dict[str, Any]) -> None:
    assert described["dags"]["auto_model_train_diabetes"]["tasks"]["run_trial"]["mapped"]


@pytest.mark.parametrize(
    ("params", "is_valid"),
    [
        ({}, True),
        ({"to": "12", "actor": "Ana", "reason": "calibration is off"}, True),
        ({"to": None, "actor": None, "reason": None}, True),
        ({"to": "latest"}, False),
        ({"to": "0"}, False),
        ({"to": 2}, False),
        ({"actor": "x" * 101}, False),
        ({"reason": "x" * 501}, False),
    ],
)
def test_rollback_parameters_are_validated(described: dict[str, Any], params: dict[str, Any], is_valid: bool) -> None:
    schemas = described["dags"]["roll_back_model"]["params"]
    assert {"to", "actor", "reason"} == set(schemas)
    assert is_valid is all(Draft202012Validator(schemas[name]).is_valid(value) for name, value in params.items())


@pytest.mark.parametrize(
    ("params", "is_valid"),
    [
        ({}, True),
        ({"source": "delivered/2026.csv", "target": "scores of 2026", "version": "12"}, True),
        ({"version": None}, True),
        ({"source": "/etc/passwd"}, False),
        ({"source": "../secrets"}, False),
        ({"target": ""}, False),
        ({"target": None}, False),
        ({"version": "production"}, False),
    ],
)
def test_scoring_parameters_are_validated(described: dict[str, Any], params: dict[str, Any], is_valid: bool) -> None:
    schemas = described["dags"]["score_diabetes"]["params"]
    assert {"source", "target", "version"} == set(schemas)
    assert is_valid is all(Draft202012Validator(schemas[name]).is_valid(value) for name, value in params.items())
