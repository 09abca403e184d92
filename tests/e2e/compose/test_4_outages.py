"""Parts of it go away and come back."""

import pytest

from tests.e2e.compose.asking import TEST_SECONDS, get, is_ready, predict
from tests.support.compose import ComposeStack, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(TEST_SECONDS)]


def test_the_api_restarts_from_its_own_disk_while_mlflow_and_postgresql_are_away(stack: ComposeStack) -> None:
    before = predict(stack)
    stack.compose("stop", "mlflow", "postgres")
    stack.compose("restart", "api")
    wait_for("the API to be ready from its cache", lambda: is_ready(stack), 30)
    after = predict(stack)
    stack.compose("start", "postgres", "mlflow")
    assert (after["predictions"], after["model"]) == (before["predictions"], before["model"])


def test_mlflow_is_unhealthy_while_its_database_is_away(stack: ComposeStack) -> None:
    stack.compose("stop", "mlflow-postgres")
    wait_for("MLflow to be called unhealthy", lambda: "mlflow," in stack.unwell(), 120, stack.unwell)
    stack.compose("start", "mlflow-postgres")
    stack.wait_until_healthy(120)


def test_everything_heals_after_both_databases_went_away(stack: ComposeStack) -> None:
    stack.compose("restart", "postgres", "mlflow-postgres")
    assert predict(stack)["predictions"]
    registry = f"{stack.url('MLFLOW')}/api/2.0/mlflow/registered-models/get?name=diabetes-readmission"
    wait_for("MLflow to read its registry again", lambda: get(registry).status_code == 200, 60)

    def airflow_is_healthy() -> bool:
        answer = get(f"{stack.url('AIRFLOW')}/api/v2/monitor/health")
        parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        return answer.status_code == 200 and all(answer.json()[part]["status"] == "healthy" for part in parts)

    wait_for("Airflow to be healthy again", airflow_is_healthy, 120)
    stack.wait_until_healthy(180)
