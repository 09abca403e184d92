"""docker-compose.scale.yml and HAProxy's configuration: who reaches whom, who is believed, how long each waits."""

import ipaddress
import os
import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.__main__ import SHUTDOWN_SECONDS
from api.settings import ApiSettings
from infra.local.settings import ROOT
from infra.prometheus.configuration import SOURCE
from infra.secrets.distribute import AUDIENCES
from ml.core.names import PUBLIC_KEYS
from tests.support.haproxy import BALANCER
from tests.support.overlays import JOINED, SCALE, overlay
from tests.support.programs import required
from tests.unit.infra.test_compose import COMPOSE
from tests.unit.infra.test_compose import SERVICES as ALL_SERVICES

OVERLAY = overlay(SCALE)
SERVICES: dict[str, Any] = OVERLAY["services"]
BASE: dict[str, Any] = COMPOSE["services"]
HAPROXY = BALANCER.read_text()
ALIAS = "api-replicas"


def default_of(text: str) -> str:
    """A value of the file with the defaults of its variables."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"s": 1, "m": 60}[unit]


def of_haproxy(setting: str) -> float:
    """Seconds of the only setting of this name."""
    (found,) = re.findall(rf"\b{setting} (\d+[sm])\b", HAPROXY)
    return seconds(found)


def test_haproxy_takes_the_port_and_the_name_of_the_api() -> None:
    assert SERVICES["haproxy"]["ports"] == BASE["api"]["ports"]
    assert SERVICES["api"]["ports"] is None
    assert SERVICES["haproxy"]["networks"]["app"] == {"aliases": ["api"]}


def test_each_edge_of_the_replicas_has_a_network_of_its_own_and_nobody_else_finds_them_by_their_name() -> None:
    added = OVERLAY["networks"]
    members = {
        network: {name for name, service in SERVICES.items() if network in service.get("networks", [])}
        for network in added
    }
    assert members == {
        "queue": {"valkey", "airflow-scheduler", "airflow-worker", "join"},
        "cluster": {"dask-scheduler", "dask-worker", "airflow-worker"},
        "records": {"api", "postgres"},
        "registry": {"api", "mlflow"},
        "replicas": {"api", "haproxy", "prometheus"},
    }
    assert SERVICES["api"]["networks"].keys() == added.keys() - {"queue", "cluster"}


def test_the_replicas_believe_haproxy_alone_whose_address_nobody_else_gets() -> None:
    trusted = default_of(SERVICES["api"]["environment"]["FORWARDED_ALLOW_IPS"])
    assert trusted == default_of(SERVICES["haproxy"]["networks"]["replicas"]["ipv4_address"])
    (pool,) = OVERLAY["networks"]["replicas"]["ipam"]["config"]
    subnet, given = (ipaddress.ip_network(default_of(pool[name])) for name in ("subnet", "ip_range"))
    assert ipaddress.ip_address(trusted) in subnet
    assert ipaddress.ip_address(trusted) not in given


def test_haproxy_deletes_forged_headers_and_asks_for_readiness() -> None:
    lines = [line.strip() for line in HAPROXY.splitlines()]
    assert "http-request del-header X-Forwarded- -m beg" in lines
    assert "option forwardfor" in lines
    assert "option httpchk GET /ready" in lines
    templates = re.findall(r"server-template replica (\d+) (\S+):8000", HAPROXY)
    assert {name for _, name in templates} == {ALIAS} == {*SERVICES["api"]["networks"]["replicas"]["aliases"]}


def test_haproxy_notices_a_replica_that_stops_before_it_stops() -> None:
    drain = float(default_of(SERVICES["api"]["environment"]["DRAIN_SECONDS"]))
    (fall,) = re.findall(r"\bfall (\d+)\b", HAPROXY)
    assert int(fall) * (of_haproxy("inter") + 1) < drain
    assert drain + SHUTDOWN_SECONDS < seconds(SERVICES["api"]["stop_grace_period"])
    assert of_haproxy("hard-stop-after") < seconds(SERVICES["haproxy"]["stop_grace_period"])


def test_haproxy_closes_an_idle_connection_before_the_api_does() -> None:
    assert of_haproxy("pool-purge-delay") * 2 < ApiSettings.model_fields["keep_alive_seconds"].default


def test_haproxy_accepts_its_configuration() -> None:
    program = required("haproxy", package="haproxy")
    done = subprocess.run([program, "-c", "-f", str(BALANCER)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "WARNING" in done.stderr) == (0, False), done.stderr


@pytest.mark.parametrize("scaled", [False, True])
def test_only_with_replicas_prometheus_finds_the_api_by_dns(scaled: bool, tmp_path: Path) -> None:
    """With the command of the container on a copy of its file."""
    (command,) = (line for line in BASE["prometheus"]["entrypoint"][2].splitlines() if "API_TARGETS" in line)
    file = tmp_path / "prometheus.yml"
    command = re.sub(r"\S+prometheus\.yml$", str(file), command.replace("$$", "$"))
    file.write_text((SOURCE / "prometheus.yml").read_text())
    given = SERVICES["prometheus"]["environment"] if scaled else {}
    subprocess.run(["sh", "-euc", command], env={"PATH": os.environ["PATH"], **given}, check=True)

    if not scaled:
        assert file.read_text() == (SOURCE / "prometheus.yml").read_text()
        return
    before, after = (yaml.safe_load(path.read_text())["scrape_configs"] for path in (SOURCE / "prometheus.yml", file))
    assert after[1:] == before[1:]
    (found,) = after[0]["dns_sd_configs"]
    assert found == {"names": [ALIAS], "type": "A", "port": 8000, "refresh_interval": "5s"}
    subprocess.run([required("promtool", package="prometheus"), "check", "config", "--syntax-only", file], check=True)


WORKER = ALL_SERVICES["airflow-worker"]
FORBIDDEN = {"secrets-airflow", "secrets-airflow-signing", "secrets-airflow-tokens", "secrets-all"}
"""Volumes with the signing key, the key of tokens, and logins to Airflow's database."""


def test_a_worker_of_airflow_has_no_key_and_no_login_to_airflows_database() -> None:
    mounted = {volume.split(":")[0] for volume in WORKER["volumes"] if isinstance(volume, str)}
    assert not mounted & FORBIDDEN
    assert set(AUDIENCES["airflow-worker"]) == {"diabetes_db_password", "prediction_log_key", PUBLIC_KEYS}
    assert set(AUDIENCES["valkey"]) == {"valkey_password"}
    secret = {name for name in WORKER["environment"] if name.endswith(("_CMD", "_SECRET"))}
    assert {name for name in secret if WORKER["environment"][name] is not None} == {
        "AIRFLOW__CELERY__BROKER_URL_CMD",
        "AIRFLOW__CELERY__RESULT_BACKEND_CMD",
    }


def test_every_component_of_airflow_that_reads_dags_or_runs_them_knows_both_executors() -> None:
    named = {
        name
        for name, service in SERVICES.items()
        if service.get("environment", {}).get("AIRFLOW__CORE__EXECUTOR") == "CeleryExecutor,LocalExecutor"
    }
    assert named == {"airflow-apiserver", "airflow-dag-processor", "airflow-scheduler", "airflow-worker"}


def test_no_timeout_of_the_queue_ends_before_the_longest_task() -> None:
    texts = [path.read_text() for path in (ROOT / "dags").glob("*.py")]
    limits = [match for text in texts for match in re.findall(r"execution_timeout\W+timedelta\((\w+)=(\d+)\)", text)]
    assert len(limits) == 3
    longest = max(timedelta(**{unit: int(number)}) for unit, number in limits).total_seconds()
    given = SERVICES["airflow-scheduler"]["environment"]
    assert longest < float(given["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"])
    assert longest < float(given["AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT"])
    assert given.items() <= WORKER["environment"].items() | {("AIRFLOW__CORE__PARALLELISM", "${WORKER_TASKS:-8}")}


def test_a_worker_mounts_the_file_with_data_as_the_scheduler_does_and_its_logs_but_no_folder_of_data() -> None:
    bound = [volume for volume in BASE["airflow-scheduler"]["volumes"] if isinstance(volume, dict)]
    assert [volume for volume in WORKER["volumes"] if isinstance(volume, dict)] == bound
    logs = next(volume for volume in BASE["airflow-scheduler"]["volumes"] if "logs" in volume)
    assert {logs, WORKER["environment"]["DATA_DIR"]} <= {v for v in WORKER["volumes"] if isinstance(v, str)}


def test_a_machine_that_joins_opens_no_port_and_its_services_are_hardened() -> None:
    joined = overlay(JOINED)["services"]
    assert joined.keys() == {"unpack", "link", "airflow-worker", "locust-worker"}
    for name in ("unpack", "link"):
        assert joined[name].items() >= (COMPOSE["x-service"] | {"restart": joined[name]["restart"]}).items()
        assert joined[name]["mem_limit"]
    assert joined["unpack"]["cap_add"] == ["DAC_READ_SEARCH"]
    assert joined["unpack"]["network_mode"] == "none"
    assert not [name for name, service in joined.items() if "ports" in service]
    assert all(joined[name]["networks"] == ["worker"] for name in ("airflow-worker", "locust-worker"))


def test_the_port_for_other_machines_is_open_only_at_an_address_that_somebody_chose() -> None:
    join = SERVICES["join"]
    assert join["scale"] == "0${JOIN_ADDRESS:+1}"
    assert join["ports"] == ["${JOIN_ADDRESS:-127.0.0.1}:${JOIN_PORT:-7443}:7443"]
    assert join["extends"] == {"service": "haproxy"}


def test_a_worker_of_locust_is_locust_with_another_command() -> None:
    worker = SERVICES["locust-worker"]
    assert worker["extends"] == {"file": "docker-compose.yml", "service": "locust"}
    assert worker.keys() == {"scale", "extends", "command", "ports", "depends_on", "healthcheck"}
    assert worker["ports"] is None
    assert worker["depends_on"] == {"locust": {"condition": "service_healthy"}}


def test_the_documented_settings_empty_nothing_that_may_be_empty() -> None:
    """An empty value counts for ``${NAME-default}``: it would take away the default."""
    given = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))
    assert given & set(re.findall(r"\$\{([A-Z_]+)-", (ROOT / SCALE).read_text())) == set()
