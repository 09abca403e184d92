"""Every command of the README is run by a test, and every address in it is the default of a setting."""

import re

from infra.local.settings import StackSettings
from tests.support.readme import ROOT, commands

RUN_BY_THE_NATIVE_TEST = {
    "make demo",
    "make status",
    "make logs NAME=api",
    "make doctor",
    "make down",
    "make clean",
    "make help",
    ".venv/bin/python -m ml --help",
    ".venv/bin/python -m ml list",
    ".venv/bin/python -m ml ledger",
    ".venv/bin/python -m ml reproduce 1",
    ".venv/bin/python -m ml card",
}
RUN_BY_THE_COMPOSE_TEST = {
    "docker compose up --build -d",
    "docker compose exec airflow-scheduler airflow dags unpause train_models_diabetes_simple",
    "docker compose exec airflow-scheduler airflow dags unpause ingest_diabetes",
    "docker compose exec airflow-scheduler airflow dags trigger ingest_diabetes",
    "docker compose exec airflow-scheduler python -m ml list",
    "docker compose run --rm backup",
    "docker compose run --rm restore",
    "docker compose down",
    "docker compose down -v",
}
RUN_BY_THE_OPERATIONS_TEST = {"make backup", "make restore FROM=backups"}
THE_TEST_RUN_ITSELF = {"make test"}


def test_every_command_is_run_by_a_test() -> None:
    run = RUN_BY_THE_NATIVE_TEST | RUN_BY_THE_COMPOSE_TEST | RUN_BY_THE_OPERATIONS_TEST
    left = set(commands()) - run - THE_TEST_RUN_ITSELF
    assert len(left) == 2
    assert any(command.startswith("curl -s http://localhost:8000/predict") for command in left)
    assert any(command.startswith(".venv/bin/locust --headless") for command in left)


def test_every_address_is_a_default_port() -> None:
    fields = StackSettings.model_fields
    defaults = {field.default for name, field in fields.items() if name.endswith("_port")}
    used = {int(port) for port in re.findall(r"localhost:(\d+)", (ROOT / "README.md").read_text())}
    assert used <= defaults


def test_every_linked_page_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
