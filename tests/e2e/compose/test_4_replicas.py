"""The project with docker-compose.scale.yml: replicas of the API behind HAProxy, and workers of Locust."""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from infra.local.settings import ROOT
from tests.e2e.compose.services import RECORD, TEST_SECONDS, get, is_ready
from tests.e2e.compose.test_1_start import CONNECT, LISTENING, NETWORKS
from tests.support.compose import ComposeStack, wait_for
from tests.support.overlays import SCALE

pytestmark = [pytest.mark.docker, pytest.mark.timeout(TEST_SECONDS)]

REPLICAS, WORKERS, USERS = 3, 4, 8
SCALED = NETWORKS | {
    "haproxy": "app replicas",
    "api": "records registry replicas",
    "postgres": "data records",
    "mlflow": "app mlflow-data registry",
    "prometheus": "app monitoring replicas",
    "locust-worker": "app",
    "airflow-scheduler": "app data queue",
    "airflow-worker": "app cluster data queue",
    "dask-scheduler": "cluster",
    "dask-worker": "cluster data",
    "valkey": "queue",
    "join": "app data queue",
}
LOCUST_MASTER = 5557


@pytest.fixture(scope="module")
def scaled(stack: ComposeStack) -> Iterator[ComposeStack]:
    with stack.with_overlay(SCALE, "--scale", f"api={REPLICAS}", "--scale", f"locust-worker={WORKERS}"):
        wait_for("HAProxy to find a replica ready", lambda: is_ready(stack), 60)
        yield stack


def test_each_service_is_in_the_networks_of_its_work(scaled: ComposeStack) -> None:
    services = json.loads(scaled.compose("config", "--format", "json"))["services"]
    networks = {name: " ".join(sorted(service.get("networks") or ())) for name, service in services.items()}
    assert networks == {name: SCALED[name] for name in services}


@pytest.mark.parametrize("service", ["api", "exporter", "locust-worker", "streamlit"])
def test_a_service_reaches_what_shares_a_network_with_it_and_nothing_else(scaled: ComposeStack, service: str) -> None:
    """The name of the API is HAProxy's, but for the replicas themselves."""
    running = (LISTENING | {"locust": LOCUST_MASTER}).items()
    targets = [f"{name}:{port}" for name, port in running if name in scaled.services()]
    reached = set(scaled.execute(service, "python", "-c", CONNECT, *targets).split())
    places = SCALED if service == "api" else SCALED | {"api": SCALED["haproxy"]}
    own = set(SCALED[service].split())
    assert reached == {name for name in LISTENING.keys() & scaled.services() if own & set(places[name].split())}


def test_added_containers_are_hardened_and_only_haproxy_publishes_the_port(scaled: ComposeStack) -> None:
    for name in ("haproxy", "locust-worker", "airflow-worker", "dask-scheduler", "dask-worker", "valkey", "api"):
        for found in containers_of(scaled, name):
            host, user = found["HostConfig"], found["Config"]["User"]
            assert (host["CapDrop"], host["CapAdd"] or [], host["ReadonlyRootfs"]) == (["ALL"], [], True)
            assert "no-new-privileges:true" in host["SecurityOpt"]
            assert host["Memory"] > 0
            assert host["PidsLimit"] > 0
            assert user.split(":")[0] not in ("", "0", "root")
            published = [b["HostIp"] for bindings in found["NetworkSettings"]["Ports"].values() for b in bindings or []]
            assert published == (["127.0.0.1"] if name == "haproxy" else [])


def test_prometheus_scrapes_every_replica(scaled: ComposeStack) -> None:
    instances = {f"{address_of(replica)}:8000" for replica in containers_of(scaled, "api")}
    assert len(instances) == REPLICAS

    def up() -> set[str]:
        targets = get(f"{scaled.url('PROMETHEUS')}/api/v1/targets").json()["data"]["activeTargets"]
        of_api = (target for target in targets if target["labels"]["job"] == "api" and target["health"] == "up")
        return {target["labels"]["instance"] for target in of_api}

    wait_for("all replicas to be up", lambda: up() == instances, 60, lambda: str(up()))


def test_locust_counts_what_the_replicas_count(scaled: ComposeStack) -> None:
    locust = scaled.url("LOCUST")
    wait_for("the workers", lambda: len(get(f"{locust}/stats/requests").json()["workers"]) == WORKERS, 60)
    before = answered(scaled)
    form = {"user_count": str(USERS), "spawn_rate": str(USERS), "host": "http://api:8000"}
    assert httpx.post(f"{locust}/swarm", data=form, timeout=30).json()["success"]
    wait_for("requests", lambda: answered(scaled) > before + 100, 120)
    httpx.post(f"{locust}/stop", timeout=60).raise_for_status()
    wait_for("the end", lambda: get(f"{locust}/stats/requests").json()["state"] == "stopped", 60)
    served = answered(scaled) - before

    def counted() -> tuple[int, int]:
        total = next(row for row in get(f"{locust}/stats/requests").json()["stats"] if row["name"] == "Aggregated")
        return total["num_requests"], total["num_failures"]

    wait_for("the master to count all", lambda: counted() == (served, 0), 30, lambda: f"{counted()}, {served}")
    scaled.say(f"{WORKERS} workers sent {served:.0f} requests, and {REPLICAS} replicas answered as many")


def test_the_documented_commands_replace_all_replicas_without_a_failed_request(scaled: ComposeStack) -> None:
    text = (ROOT / "docs" / "scaling.md").read_text()
    (documented,) = re.findall(r"```bash\n(former=.*?)```", text, re.S)
    before = {replica["Id"] for replica in containers_of(scaled, "api")}
    scaled.configure(MAX_RECORDS="9999")
    with requests_to(scaled.url("API")) as outcomes:
        scaled.shell(documented)
    scaled.configure(MAX_RECORDS="10000")
    after = {replica["Id"] for replica in containers_of(scaled, "api")}
    assert (len(after), before & after) == (REPLICAS, set())
    assert outcomes.keys() == {"200"}
    scaled.say(f"{outcomes['200']} requests while {REPLICAS} replicas were replaced, none failed")


@contextmanager
def requests_to(url: str) -> Iterator[Counter[str]]:
    """Send predictions until the context ends, on one connection; counts statuses and errors."""
    outcomes: Counter[str] = Counter()
    enough = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while not enough.wait(0.05):
                try:
                    outcomes[str(client.post("/predict", json={"records": [RECORD]}).status_code)] += 1
                except httpx.TransportError as error:
                    outcomes[repr(error)] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield outcomes
    finally:
        enough.set()
        thread.join()


def containers_of(stack: ComposeStack, service: str) -> list[dict[str, Any]]:
    """What `docker inspect` says of each running container of a service."""
    inspected: list[dict[str, Any]] = json.loads(stack.docker("inspect", *stack.compose("ps", "-q", service).split()))
    return inspected


def answered(stack: ComposeStack) -> float:
    """Requests to /predict that the replicas have answered."""
    texts = [get(f"http://{address_of(replica)}:8000/metrics").text for replica in containers_of(stack, "api")]
    start = 'api_request_duration_seconds_count{method="POST",route="/predict"'
    return sum(float(line.rpartition(" ")[2]) for text in texts for line in text.splitlines() if line.startswith(start))


def address_of(replica: dict[str, Any]) -> str:
    """Its address in the network of HAProxy."""
    networks = replica["NetworkSettings"]["Networks"]
    (address,) = (networks[name]["IPAddress"] for name in networks if name.endswith("_replicas"))
    return str(address)
