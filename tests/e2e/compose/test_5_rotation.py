"""Every secret is replaced by the two commands of the handbook, and by the third that Airflow's Fernet key needs."""

import pytest

from infra.secrets.generate import FERNET_KEY
from infra.secrets.rotate import HOLDERS, OF_OVERLAYS, next_steps
from tests.e2e.compose.services import TEST_SECONDS, get, is_ready, predict
from tests.support.compose import START_SECONDS, ComposeStack, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(TEST_SECONDS)]

ROTATED = [name for name, services in HOLDERS.items() if not OF_OVERLAYS & set(services)]


def secrets(stack: ComposeStack) -> dict[str, str]:
    lines = stack.in_volume("secrets-all", "sh", "-c", "cd /volume && grep -H '' *").splitlines()
    return dict(line.split(":", 1) for line in lines)


def test_every_secret_is_replaced_while_predictions_go_on(stack: ComposeStack) -> None:
    wait_for("the API to serve the model", lambda: is_ready(stack), 60)
    before, api, prediction = secrets(stack), stack.containers()["api"]["Id"], predict(stack)["predictions"]

    stack.compose("run", "--rm", "secrets", "python", "-m", "infra.secrets.rotate", *ROTATED)
    assert predict(stack)["predictions"] == prediction
    for step in next_steps(ROTATED):
        stack.compose(*step.partition("docker compose ")[2].split(), timeout=START_SECONDS)
        assert predict(stack)["predictions"] == prediction
    stack.wait_until_healthy()

    after = secrets(stack)
    assert {name for name in before if before[name] != after[name]} == set(ROTATED)
    assert "," not in after[FERNET_KEY]
    assert stack.containers()["api"]["Id"] == api
    logs = stack.logs(tail=1000)
    assert not [name for secrets_ in (before, after) for name, value in secrets_.items() if value in logs]
    assert get(f"{stack.url('MLFLOW')}/api/2.0/mlflow/registered-models/search?max_results=1").status_code == 200


def test_the_next_up_changes_nothing(stack: ComposeStack) -> None:
    before = {name: found["Id"] for name, found in stack.containers().items()}
    stack.up()
    assert {name: found["Id"] for name, found in stack.containers().items()} == before
