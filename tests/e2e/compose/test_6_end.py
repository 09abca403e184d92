"""The stack is stopped, started again, and removed."""

import pytest

from tests.e2e.compose.services import TEST_SECONDS, get, is_ready, predict
from tests.support.compose import ComposeStack, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(TEST_SECONDS)]


def test_data_and_models_survive_down_and_up(stack: ComposeStack) -> None:
    before = predict(stack)
    stack.compose("down")
    stack.up()
    wait_for("the API to serve the model", lambda: is_ready(stack), 60)
    after = predict(stack)
    assert (after["predictions"], after["model"]) == (before["predictions"], before["model"])


def test_a_second_up_changes_nothing(stack: ComposeStack) -> None:
    before = {name: found["Id"] for name, found in stack.containers().items()}
    stack.up()
    assert {name: found["Id"] for name, found in stack.containers().items()} == before


def test_a_changed_password_is_named_in_the_log_and_set_by_the_next_up(stack: ComposeStack) -> None:
    stack.in_volume("secrets-all", "sh", "-c", "cd /volume && rm -f mlflow_db_password && echo x >mlflow_db_password")
    stack.compose("up", "-d", "--no-deps", "secrets")
    stack.compose("up", "-d", "--no-deps", "--force-recreate", "mlflow")
    error = "PostgreSQL refuses mlflow_db_password: it was changed or lost after the database was created"
    wait_for("the error", lambda: error in stack.logs("mlflow"), 60, lambda: stack.logs("mlflow"))
    stack.up()
    assert get(f"{stack.url('MLFLOW')}/api/2.0/mlflow/registered-models/search?max_results=1").status_code == 200


def test_down_leaves_nothing(stack: ComposeStack) -> None:
    stack.configure(BACKUP_DIR="")  # else the volume of the backups is not one of the project, and stays
    stack.down()
    assert stack.remains() == ""
