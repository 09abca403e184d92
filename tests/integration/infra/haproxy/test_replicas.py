"""Replicas of the API behind a real HAProxy with the configuration of docker-compose.scale.yml."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from tests.faults.load import Load
from tests.integration.api.bundles import write_bundle
from tests.integration.api.conftest import eventually
from tests.integration.api.models.registry_server import RegistryServer, running_registry
from tests.integration.api.storage.databases import connected, migrate
from tests.support.replicas import Replicas, answered, running_replicas

ONE = {"records": [{}]}
DRAIN_SECONDS = 5
"""Of docker-compose.scale.yml."""
TRUTH = {"1": -2.0, "2": 1.0}
"""Intercept of each version."""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryServer]:
    """A registry with version 1 in production."""
    with running_registry() as server:
        server.promote("1", write_bundle(tmp_path / "1", TRUTH["1"]))
        yield server


@contextmanager
def ready_replicas(registry: RegistryServer, folder: Path, count: int, **settings: str) -> Iterator[Replicas]:
    settings = {"DRAIN_SECONDS": str(DRAIN_SECONDS)} | settings
    with running_replicas(folder, registry.url, count, **settings) as replicas:
        for replica in replicas.running:
            replica.wait_until_ready()
        replicas.wait_until_all_are_used()
        yield replicas


def test_all_replicas_are_replaced_under_load_and_every_request_is_answered_and_logged_once(
    registry: RegistryServer, tmp_path: Path, postgres_url: str, database_settings: dict[str, str]
) -> None:
    migrate(postgres_url)
    logging = {name.upper(): value for name, value in database_settings.items()} | {"PREDICTION_LOG": "true"}
    with ready_replicas(registry, tmp_path, 2, **logging) as replicas, Load(replicas.url, TRUTH) as load:
        former = list(replicas.running)
        eventually(lambda: all(answered(replica) > 50 for replica in former))
        new = replicas.add(2)
        for replica in former:
            replicas.end(replica, signal.SIGTERM)
        eventually(lambda: all(answered(replica) > 50 for replica in new))
        load.stop()
        load.assert_flawless()
        records, requests = load.history.total(), len(load.answered)
        with connected(postgres_url) as database:
            counts = text("SELECT count(*), count(DISTINCT request_id) FROM predictions")
            eventually(lambda: database.execute(counts).one() >= (records, requests))
            assert database.execute(counts).one() == (records, requests)


def test_a_killed_replica_costs_the_requests_in_flight_only(registry: RegistryServer, tmp_path: Path) -> None:
    threads = 4
    with ready_replicas(registry, tmp_path, 2) as replicas, Load(replicas.url, TRUTH, threads=threads) as load:
        killed, left = replicas.running
        eventually(lambda: answered(killed) > 50)
        replicas.end(killed, signal.SIGKILL)
        before = answered(left)
        eventually(lambda: answered(left) > before + 100)
        load.stop()
        assert len(load.failed) <= threads
        assert (load.wrong, load.shed) == ({}, set())


def test_a_promotion_reaches_all_replicas_and_each_answer_is_of_one_version(
    registry: RegistryServer, tmp_path: Path
) -> None:
    with ready_replicas(registry, tmp_path, 3, MODEL_POLL_SECONDS="5") as replicas, Load(replicas.url, TRUTH) as load:
        eventually(lambda: load.versions["1"] > 50)
        registry.promote("2", write_bundle(tmp_path / "2", TRUTH["2"]))
        changed: dict[int, float] = {}

        def all_have_changed() -> bool:
            for number, replica in enumerate(replicas.running):
                if number not in changed and replica.client.get("/model").json()["version"] == "2":
                    changed[number] = time.monotonic()
            return len(changed) == len(replicas.running)

        eventually(all_have_changed)
        before = load.versions["2"]
        eventually(lambda: load.versions["2"] > before + 50)
        load.stop()
        load.assert_flawless()
        assert max(changed.values()) - min(changed.values()) < 15


def test_a_client_has_its_rate_limit_once_for_each_replica(registry: RegistryServer, tmp_path: Path) -> None:
    limit = {"RATE_LIMIT_PER_SECOND": "0.001", "RATE_LIMIT_BURST": "2"}
    with ready_replicas(registry, tmp_path, 2, **limit) as replicas:

        def answers(address: str) -> Counter[int]:
            transport = httpx.HTTPTransport(local_address=address)
            with httpx.Client(base_url=replicas.url, transport=transport) as client:
                return Counter(
                    client.post("/predict", json=ONE, headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code
                    for n in range(40)
                )

        assert answers("127.0.0.2") == {200: 4, 429: 36}, "its own word on its address does not count"
        assert answers("127.0.0.3") == {200: 4, 429: 36}, "another client has its own limits"


def test_while_no_replica_is_ready_a_living_one_says_why(tmp_path: Path) -> None:
    with running_registry() as empty, running_replicas(tmp_path, empty.url, 0) as replicas:
        away = httpx.post(f"{replicas.url}/predict", json=ONE)
        assert (away.status_code, away.headers["content-type"]) == (503, "application/problem+json")
        assert away.json()["detail"] == "No replica of the API answers."
        long = httpx.get(f"{replicas.url}/health", headers={"X-Long": "x" * 17_000})
        assert long.status_code in (400, 414), "by the version of HAProxy"

        replicas.add()
        eventually(lambda: httpx.get(f"{replicas.url}/health").status_code == 200)
        assert httpx.get(f"{replicas.url}/docs").status_code == 200
        answer = httpx.post(f"{replicas.url}/predict", json=ONE)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:readmission:problem:no-model")

        empty.promote("1", write_bundle(tmp_path / "1"))
        replicas.wait_until_all_are_used()
        assert httpx.post(f"{replicas.url}/predict", json=ONE).status_code == 200


def test_told_to_stop_a_replica_answers_until_the_balancer_has_noticed(
    registry: RegistryServer, tmp_path: Path
) -> None:
    with ready_replicas(registry, tmp_path, 1) as replicas:
        (replica,) = replicas.running
        replica.process.send_signal(signal.SIGTERM)
        eventually(lambda: replica.client.get("/ready").status_code == 503)
        assert replica.client.get("/v2/health/ready").json() == {"ready": False}
        assert replica.client.get("/ready").json()["type"] == "urn:readmission:problem:stopping"
        assert replica.client.post("/predict", json=ONE).status_code == 200
        replica.process.send_signal(signal.SIGTERM)
        assert replica.process.wait(DRAIN_SECONDS) in (0, -signal.SIGTERM), "the second signal ends the delay"
