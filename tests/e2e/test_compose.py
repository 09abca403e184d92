"""The compose project for real: built, started, trained on, hardened, broken, healed and taken down, in this order."""

import json
import shlex
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.local.airflow_client import AirflowClient
from infra.local.dag_runs import wait_until_known
from infra.local.settings import StackSettings
from tests.support.compose import BUILT, PROJECT, ComposeStack, wait_for
from tests.support.readme import commands

pytestmark = [pytest.mark.docker, pytest.mark.timeout(2400)]

DAGS = ("ingest_diabetes", "train_models_diabetes_simple", "auto_model_train_diabetes")
DAG_SECONDS = 1200
RECORD = {"race": "Caucasian", "gender": "Female", "age": "[60-70)"}

LARGEST_MB = {"airflow-init": 1350, "mlflow": 1050, "streamlit": 750, "api": 500, "locust": 400}
"""Largest accepted sizes of our images, base image included."""

PAGES = {
    "AIRFLOW": ("/auth/login", "/api/v2/monitor/health", "/api/v2/version"),
    "MLFLOW": ("/", "/api/2.0/mlflow/registered-models/search?max_results=1"),
    "API": ("/docs", "/health", "/metrics", "/openapi.json"),
    "UI": ("/", "/_stcore/health", "/_stcore/metrics"),
    "LOCUST": ("/", "/stats/requests", "/metrics"),
    "PROMETHEUS": ("/-/ready", "/api/v1/rules"),
    "GRAFANA": ("/login", "/api/health"),
    "NOTICES": ("/", "/notices", "/metrics", "/runbooks/ApiDown"),
}

FORBIDDEN = [
    ("streamlit", "postgres", 5432),
    ("streamlit", "mlflow-postgres", 5432),
    ("locust", "postgres", 5432),
    ("locust", "mlflow-postgres", 5432),
    ("api", "mlflow-postgres", 5432),
    ("airflow-scheduler", "mlflow-postgres", 5432),
    ("mlflow", "postgres", 5432),
]
"""Who must not be able to reach whom."""

CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
except OSError:
    print("refused")
"""

ROOT_FOR_A_REASON = {
    "cadvisor": "the kernel tells only root about other containers",
    "secrets": "writes into fresh volumes",
}
"""Containers that run as root, and why; they publish no port."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[ComposeStack]:
    terminal = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    capture = pytestconfig.pluginmanager.get_plugin("capturemanager")
    assert terminal is not None
    assert capture is not None

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            terminal.write_line(f"  {text}")

    stack = ComposeStack(tmp_path_factory.mktemp("compose"), say)
    stack.prepare()
    try:
        stack.build()
        stack.up("--build")
        yield stack
    finally:
        stack.down()


@pytest.fixture(autouse=True)
def _diagnosis(stack: ComposeStack, request: pytest.FixtureRequest) -> Iterator[None]:
    failed_before = request.session.testsfailed
    yield
    if request.session.testsfailed > failed_before:
        stack.say("what was running when the test failed:\n" + stack.diagnosis())


def get(url: str) -> httpx.Response:
    """A GET that counts a service that is away as an answer of 599."""
    try:
        return httpx.get(url, timeout=10, follow_redirects=True)
    except httpx.TransportError:
        return httpx.Response(599)


def predict(stack: ComposeStack) -> dict[str, Any]:
    answer = httpx.post(f"{stack.url('API')}/predict", json={"records": [RECORD]}, timeout=10)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def is_ready(stack: ComposeStack) -> bool:
    return get(f"{stack.url('API')}/ready").status_code == 200


def test_every_service_of_the_file_is_healthy(stack: ComposeStack) -> None:
    assert stack.unwell() == ""
    assert {"postgres", "mlflow-postgres", "airflow-scheduler", "mlflow", "api", "streamlit"} <= stack.services()


def test_images_hold_no_compiler_and_no_cache_and_stay_small(stack: ComposeStack) -> None:
    for image in BUILT:
        megabytes = int(stack.docker("image", "inspect", "-f", "{{.Size}}", f"{PROJECT}-{image}")) / 1e6
        stack.say(f"image {image}: {megabytes:.0f} MB")
        assert megabytes <= LARGEST_MB[image], image
        found = stack.docker(
            "run", "--rm", "--network", "none", "--entrypoint", "sh", f"{PROJECT}-{image}", "-c",
            "command -v gcc cc c++ make uv; ls -d /root/.cache/uv /root/.cache/pip 2>/dev/null; true",
        )  # fmt: skip
        assert found == "", image


def test_containers_are_hardened(stack: ComposeStack) -> None:
    for name, found in stack.containers().items():
        host, config = found["HostConfig"], found["Config"]
        assert host["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert host["Memory"] > 0, name
        assert host["PidsLimit"] > 0, name
        assert not host["Privileged"], name
        assert host["LogConfig"]["Config"]["max-size"], name
        assert config["User"], name
        if name not in ROOT_FOR_A_REASON:
            assert config["User"].split(":")[0] not in ("0", "root"), name
            assert not host["CapAdd"], name


def test_ports_are_bound_to_this_machine_only(stack: ComposeStack) -> None:
    for name, found in stack.containers().items():
        for bindings in (found["NetworkSettings"]["Ports"] or {}).values():
            assert {binding["HostIp"] for binding in bindings or []} <= {"127.0.0.1"}, name


def test_processes_really_run_as_ordinary_users(stack: ComposeStack) -> None:
    for name, found in stack.containers().items():
        if name in ROOT_FOR_A_REASON or found["State"]["Status"] != "running":
            continue
        users = stack.docker("top", found["Id"], "-eo", "uid,pid").split()[2::2]
        assert users, name
        assert "0" not in users, name


def test_secrets_are_in_files_of_those_who_need_them_and_nowhere_else(stack: ComposeStack) -> None:
    names = stack.in_volume("secrets-all", "ls", "/volume").split()
    values = {name: stack.in_volume("secrets-all", "cat", f"/volume/{name}") for name in names}
    assert len(values) >= 8
    told = json.dumps(stack.containers()) + stack.logs(tail=100_000)
    assert [name for name, value in values.items() if value in told] == []
    assert stack.execute("api", "ls", "/run/secrets").split() == ["diabetes_db_password", "prediction_log_key"]
    assert stack.execute("exporter", "ls", "/run/secrets").split() == ["postgres_monitor_password"]
    assert stack.execute("mlflow", "ls", "/run/secrets").split() == ["mlflow_db_password"]
    assert "airflow_jwt_secret" not in stack.execute("airflow-dag-processor", "ls", "/run/secrets")


def test_pages_answer(stack: ComposeStack) -> None:
    services = {"UI": "streamlit", "AIRFLOW": "airflow-apiserver"}
    running = stack.services()
    for name, paths in PAGES.items():
        if services.get(name, name.lower()) in running:
            for path in paths:
                assert get(stack.url(name) + path).status_code == 200, name + path


def test_services_reach_only_the_networks_they_need(stack: ComposeStack) -> None:
    for service, target, port in FORBIDDEN:
        assert stack.execute(service, "python", "-c", CONNECT, target, str(port)).strip() == "refused", service


def test_without_a_model_the_api_says_what_to_run(stack: ComposeStack) -> None:
    answer = httpx.post(f"{stack.url('API')}/predict", json={"records": [RECORD]}, timeout=10)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "no production model yet: run train_models_diabetes_simple"
    assert not is_ready(stack)


def test_the_readmes_commands_in_a_container_work(stack: ComposeStack) -> None:
    given = [command for command in commands() if command.startswith("docker compose exec")]
    assert len(given) == 4
    for command in given:
        stack.compose("exec", "-T", *shlex.split(command)[3:])


@pytest.mark.parametrize("dag_id", DAGS)
def test_dag_runs_to_success_through_the_rest_api(stack: ComposeStack, dag_id: str) -> None:
    with AirflowClient(StackSettings.load(airflow_port=stack.ports["AIRFLOW"])) as airflow:
        wait_until_known(airflow, DAGS)
        begun = time.monotonic()
        airflow.unpause(dag_id)
        run_id = airflow.trigger(dag_id)
        state = "queued"

        def ended() -> bool:
            nonlocal state
            state = airflow.run(dag_id, run_id)["state"]
            return state in ("success", "failed")

        wait_for(f"{dag_id} to end", ended, DAG_SECONDS, lambda: f"It is {state}.")
        tasks = airflow.tasks(dag_id, run_id)
        failed = next((task for task in tasks if task["state"] == "failed"), None)
        assert state == "success", "\n".join(airflow.task_log(failed)[-25:]) if failed else state
        took = ", ".join(f"{task['task_id']} {task['duration'] or 0:.0f} s" for task in tasks)
        stack.say(f"{dag_id}: {time.monotonic() - begun:.0f} s ({took})")


def test_the_api_picks_the_production_model_up_and_predicts(stack: ComposeStack) -> None:
    wait_for("the API to load the production model", lambda: is_ready(stack), 30)
    result = predict(stack)
    (probability,) = result["predictions"]
    assert 0 < probability < 1
    assert result["model"]["name"] == "diabetes-readmission"
    stack.say(f"prediction {probability:.3f} by version {result['model']['version']}, {result['model']['data_source']}")


def test_prometheus_reaches_every_target_that_runs(stack: ComposeStack) -> None:
    running = stack.services()

    def down() -> list[str]:
        targets = get(f"{stack.url('PROMETHEUS')}/api/v1/targets").json()["data"]["activeTargets"]
        return [
            f"{target['labels']['job']}: {target['lastError'] or target['health']}"
            for target in targets
            if target["health"] != "up" and target["labels"]["job"] in running | {"prometheus"}
        ]

    wait_for("all targets to be up", lambda: not down(), 60, lambda: "; ".join(down()))


def test_memory_at_rest_is_reported(stack: ComposeStack) -> None:
    ids = [found["Id"] for found in stack.containers().values() if found["State"]["Status"] == "running"]
    listed = stack.docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *ids)
    for line in sorted(listed.splitlines()):
        stack.say(f"memory {line.removeprefix(PROJECT + '-')}")
    assert len(listed.splitlines()) == len(ids)


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
