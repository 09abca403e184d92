"""Services stop and start again."""

import pytest

from tests.e2e.compose.services import TEST_SECONDS, get, is_ready, predict
from tests.support.compose import ComposeStack, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(TEST_SECONDS)]


def test_the_api_restarts_from_its_cache_without_mlflow_and_postgresql(stack: ComposeStack) -> None:
    before = predict(stack)
    stack.compose("stop", "mlflow", "postgres")
    stack.compose("restart", "api")
    wait_for("the API to be ready from its cache", lambda: is_ready(stack), 30)
    after = predict(stack)
    stack.compose("start", "postgres", "mlflow")
    assert (after["predictions"], after["model"]) == (before["predictions"], before["model"])


def test_mlflow_is_unhealthy_without_its_database(stack: ComposeStack) -> None:
    stack.compose("stop", "mlflow-postgres")
    wait_for("MLflow to be unhealthy", lambda: "mlflow," in stack.unwell(), 120, stack.unwell)
    stack.compose("start", "mlflow-postgres")
    stack.wait_until_healthy(120)


def test_everything_recovers_after_a_restart_of_both_databases(stack: ComposeStack) -> None:
    stack.compose("restart", "postgres", "mlflow-postgres")
    assert predict(stack)["predictions"]
    registry = f"{stack.url('MLFLOW')}/api/2.0/mlflow/registered-models/get?name=diabetes-readmission"
    wait_for("MLflow to read its registry again", lambda: get(registry).status_code == 200, 60)

    def airflow_is_healthy() -> bool:
        response = get(f"{stack.url('AIRFLOW')}/api/v2/monitor/health")
        parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        return response.status_code == 200 and all(response.json()[part]["status"] == "healthy" for part in parts)

    wait_for("Airflow to be healthy again", airflow_is_healthy, 120)
    stack.wait_until_healthy(180)
