"""Ingestion and training through Airflow, then a prediction."""

import pytest

from tests.e2e.compose.services import TEST_SECONDS, is_ready, predict, run_dag
from tests.support.compose import ComposeStack, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(TEST_SECONDS)]


@pytest.mark.parametrize("dag_id", ["ingest_diabetes", "train_models_diabetes_simple", "auto_model_train_diabetes"])
def test_a_dag_run_succeeds(stack: ComposeStack, dag_id: str) -> None:
    run_dag(stack, dag_id)


def test_the_api_loads_the_production_model_and_predicts(stack: ComposeStack) -> None:
    wait_for("the API to load the production model", lambda: is_ready(stack), 30)
    result = predict(stack)
    (probability,) = result["predictions"]
    assert 0 < probability < 1
    assert result["model"]["name"] == "diabetes-readmission"
    stack.say(f"prediction {probability:.3f} by version {result['model']['version']}, {result['model']['data_source']}")
