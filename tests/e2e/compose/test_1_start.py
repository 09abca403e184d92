"""The stack after `docker compose up`, before data and models exist."""

import json
import shlex

import httpx
import pytest

from tests.e2e.compose.services import RECORD, TEST_SECONDS, get, is_ready
from tests.support.compose import BUILT, CHOSEN, PROJECT, ComposeStack
from tests.support.overlays import GATEWAY
from tests.support.readme import commands

pytestmark = [pytest.mark.docker, pytest.mark.timeout(TEST_SECONDS)]

MAX_IMAGE_MB = {"secrets": 300, "airflow-init": 1400, "mlflow": 1050, "streamlit": 750, "api": 500, "locust": 400}
"""Size limits of our images, with the base image."""

PAGES = {
    "AIRFLOW": ("/auth/login", "/api/v2/monitor/health", "/api/v2/version"),
    "MLFLOW": ("/", "/api/2.0/mlflow/registered-models/search?max_results=1"),
    "API": ("/docs", "/health", "/metrics", "/openapi.json"),
    "UI": ("/", "/_stcore/health", "/_stcore/metrics"),
    "LOCUST": ("/", "/stats/requests", "/metrics"),
    "PROMETHEUS": ("/-/ready", "/api/v1/rules"),
    "GRAFANA": ("/login", "/api/health"),
    "ALERTMANAGER": ("/", "/-/ready", "/api/v2/alerts"),
}

LISTENING = {
    "postgres": 5432,
    "mlflow-postgres": 5432,
    "airflow-apiserver": 8080,
    "mlflow": 5000,
    "api": 8000,
    "streamlit": 8501,
    "locust": 8089,
    "exporter": 9105,
    "postgres-exporter": 9187,
    "mlflow-postgres-exporter": 9187,
    "node-exporter": 9100,
    "prometheus": 9090,
    "alertmanager": 9093,
}
"""The port of each service that others connect to."""

NETWORKS = {
    **dict.fromkeys(
        ("airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"), "app data"
    ),
    **dict.fromkeys(("airflow-init", "api"), "app data"),
    **dict.fromkeys(("streamlit", "locust"), "app"),
    **dict.fromkeys(("alertmanager", "cadvisor", "grafana", "node-exporter"), "monitoring"),
    **dict.fromkeys(("postgres", "postgres-roles"), "data"),
    **dict.fromkeys(("mlflow-postgres", "mlflow-postgres-roles"), "mlflow-data"),
    "mlflow": "app mlflow-data",
    "prometheus": "app monitoring",
    "exporter": "app data monitoring",
    "postgres-exporter": "data monitoring",
    "mlflow-postgres-exporter": "mlflow-data monitoring",
    "backup-schedule": "data mlflow-data",
    **dict.fromkeys(("secrets", "postgres-copies"), ""),
}
"""Two services reach each other if they share a network."""

WITH_PYTHON = (
    *("airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"),
    *("api", "mlflow", "streamlit", "locust", "exporter"),
)

CONNECT = """
import socket, sys
for target in sys.argv[1:]:
    try:
        socket.create_connection(target.split(":"), 3).close()
        print(target.split(":")[0])
    except OSError:
        pass
"""
"""Prints the hosts that accept a connection."""

ROOT_ALLOWED = {
    "cadvisor": "only root can read about other containers",
    "secrets": "writes to new volumes",
}
"""Containers that run as root, with the reason; they publish no port."""


def test_every_service_is_healthy(stack: ComposeStack) -> None:
    assert stack.unwell() == ""
    assert {"postgres", "mlflow-postgres", "airflow-scheduler", "mlflow", "api", "streamlit"} <= stack.services()


def test_images_have_no_compiler_or_cache_and_are_small(stack: ComposeStack) -> None:
    for image in BUILT:
        megabytes = int(stack.docker("image", "inspect", "-f", "{{.Size}}", f"{PROJECT}-{image}")) / 1e6
        stack.say(f"image {image}: {megabytes:.0f} MB")
        assert megabytes <= MAX_IMAGE_MB[image], image
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
        if name not in ROOT_ALLOWED:
            assert config["User"].split(":")[0] not in ("0", "root"), name
            assert not host["CapAdd"], name


def test_ports_are_bound_to_this_machine_only(stack: ComposeStack) -> None:
    for name, found in stack.containers().items():
        for bindings in (found["NetworkSettings"]["Ports"] or {}).values():
            assert {binding["HostIp"] for binding in bindings or []} <= {"127.0.0.1"}, name


def test_with_the_gateway_one_port_is_published_and_no_other(stack: ComposeStack) -> None:
    files = ("-f", "docker-compose.yml", "-f", GATEWAY)
    services = json.loads(stack.compose(*files, "config", "--format", "json"))["services"]
    published = [
        (name, port["host_ip"], port["target"]) for name in services for port in services[name].get("ports", [])
    ]
    assert published == [("gateway", "127.0.0.1", 8443)]


def test_processes_run_as_unprivileged_users(stack: ComposeStack) -> None:
    for name, found in stack.containers().items():
        if name in ROOT_ALLOWED or found["State"]["Status"] != "running":
            continue
        users = stack.docker("top", found["Id"], "-eo", "uid,pid").split()[2::2]
        assert users, name
        assert "0" not in users, name


def test_secrets_are_only_in_files_of_the_services_that_need_them(stack: ComposeStack) -> None:
    names = stack.in_volume("secrets-all", "ls", "/volume").split()
    values = {name: stack.in_volume("secrets-all", "cat", f"/volume/{name}") for name in names}
    assert len(values) >= 8
    text = json.dumps(stack.containers()) + stack.logs(tail=100_000)
    assert [name for name, value in values.items() if value in text] == []
    of_api = ["api_db_password", "model_public_keys", "prediction_log_key"]
    assert stack.execute("api", "ls", "/run/secrets").split() == of_api
    of_exporter = ["airflow_exporter_password", "postgres_monitor_password"]
    assert stack.execute("exporter", "ls", "/run/secrets").split() == of_exporter
    assert stack.execute("streamlit", "ls", "/run/secrets").split() == ["airflow_interface_password"]
    assert stack.execute("mlflow", "ls", "/run/secrets").split() == ["mlflow_db_password"]
    assert "airflow_jwt_secret" not in stack.execute("airflow-dag-processor", "ls", "/run/secrets")


def test_chosen_secrets_in_files_count_and_are_nowhere_else(stack: ComposeStack) -> None:
    change = {"policy": None, "reason": "a test", "actor": "a test"}
    for key, status in (("another", 403), (CHOSEN["OPERATOR_KEY"], 200)):
        answer = httpx.put(f"{stack.url('API')}/policy", json=change, headers={"X-Operator-Key": key}, timeout=10)
        assert answer.status_code == status, answer.text
    places = {name: json.dumps(found) for name, found in stack.containers().items()}
    places |= {f"history of {name}": stack.docker("history", "--no-trunc", f"{PROJECT}-{name}") for name in BUILT}
    places["logs"] = stack.logs(tail=100_000)
    for name in {"api", "streamlit", "locust", "airflow-scheduler", "grafana"} & stack.services():
        places[f"environments of {name}"] = stack.execute(
            name, "sh", "-c", "cat /proc/[0-9]*/environ 2>/dev/null; true"
        )
        assert "PATH=" in places[f"environments of {name}"]
    found = [(place, name) for place, text in places.items() for name, secret in CHOSEN.items() if secret in text]
    assert found == []


def test_only_the_gate_holds_the_signing_key(stack: ComposeStack) -> None:
    holders = {
        name
        for name, found in stack.containers().items()
        if any(
            mount.get("Name", "").endswith(("_secrets-airflow-signing", "_secrets-all")) for mount in found["Mounts"]
        )
    }
    assert holders == {"secrets", "airflow-init", "airflow-scheduler"}


def test_pages_are_served(stack: ComposeStack) -> None:
    services = {"UI": "streamlit", "AIRFLOW": "airflow-apiserver"}
    running = stack.services()
    for name, paths in PAGES.items():
        if services.get(name, name.lower()) in running:
            for path in paths:
                assert get(stack.url(name) + path).status_code == 200, name + path


def test_mlflow_answers_to_the_given_host_and_its_page_and_to_no_other(stack: ComposeStack) -> None:
    url = f"{stack.url('MLFLOW')}/api/2.0/mlflow/registered-models/create"
    for host, status in (("registry.example", 400), ("registry.example:5000", 400), ("other.example", 403)):
        answer = httpx.post(url, json={}, headers={"Host": host, "Origin": f"http://{host}"})  # 400: it wants a name
        assert answer.status_code == status, answer.text


def test_each_service_is_in_the_networks_of_its_work(stack: ComposeStack) -> None:
    services = json.loads(stack.compose("config", "--format", "json"))["services"]
    networks = {name: " ".join(sorted(service.get("networks") or ())) for name, service in services.items()}
    assert networks == {name: NETWORKS[name] for name in services}


@pytest.mark.parametrize("service", WITH_PYTHON)
def test_a_service_reaches_what_shares_a_network_with_it_and_nothing_else(stack: ComposeStack, service: str) -> None:
    targets = [f"{name}:{port}" for name, port in LISTENING.items() if name in stack.services()]
    reached = set(stack.execute(service, "python", "-c", CONNECT, *targets).split())
    own = set(NETWORKS[service].split())
    assert reached == {name for name in LISTENING.keys() & stack.services() if own & set(NETWORKS[name].split())}


def test_without_a_model_the_api_names_the_dag_to_run(stack: ComposeStack) -> None:
    response = httpx.post(f"{stack.url('API')}/predict", json={"records": [RECORD]}, timeout=10)
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "no production model yet: run train_models_diabetes_simple"
    assert not is_ready(stack)


def test_the_readmes_commands_in_a_container_work(stack: ComposeStack) -> None:
    documented = [command for command in commands() if command.startswith("docker compose exec")]
    assert len(documented) == 4
    for command in documented:
        stack.compose("exec", "-T", *shlex.split(command)[3:])
