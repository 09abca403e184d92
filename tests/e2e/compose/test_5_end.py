"""It is taken down, started again, and removed."""

import pytest

from tests.e2e.compose.asking import TEST_SECONDS, is_ready, predict
from tests.support.compose import ComposeStack, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(TEST_SECONDS)]


def test_down_keeps_the_data_and_up_serves_them_again(stack: ComposeStack) -> None:
    before = predict(stack)
    stack.compose("down")
    stack.up()
    wait_for("the API to serve the kept model", lambda: is_ready(stack), 60)
    after = predict(stack)
    assert (after["predictions"], after["model"]) == (before["predictions"], before["model"])


def test_starting_again_changes_nothing(stack: ComposeStack) -> None:
    before = {name: found["Id"] for name, found in stack.containers().items()}
    stack.up()
    assert {name: found["Id"] for name, found in stack.containers().items()} == before


def test_a_changed_secret_is_named_in_one_sentence(stack: ComposeStack) -> None:
    stack.in_volume("secrets-all", "sh", "-c", "cd /volume && mv mlflow_db_password kept && echo x >mlflow_db_password")
    stack.compose("up", "-d", "--no-deps", "secrets")
    stack.compose("up", "-d", "--no-deps", "--force-recreate", "mlflow")
    sentence = "PostgreSQL refuses mlflow_db_password: it was changed or lost after the database was made"
    wait_for("the sentence", lambda: sentence in stack.logs("mlflow"), 60, lambda: stack.logs("mlflow"))
    stack.in_volume("secrets-all", "mv", "/volume/kept", "/volume/mlflow_db_password")
    stack.up()


def test_down_leaves_nothing(stack: ComposeStack) -> None:
    stack.down()
    assert stack.remains() == ""
