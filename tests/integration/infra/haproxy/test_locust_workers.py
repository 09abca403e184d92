"""Locust with the commands of docker-compose.scale.yml: a master and workers, which load replicas behind HAProxy."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from infra.local.settings import ROOT
from infra.local.supervision.probes import free_port
from tests.integration.api.bundles import write_bundle
from tests.integration.api.conftest import eventually
from tests.integration.api.models.registry_server import running_registry
from tests.support.overlays import SCALE, overlay
from tests.support.replicas import answered, running_replicas

WORKERS = 2


def command_of(service: str) -> list[str]:
    program, *options = overlay(SCALE)["services"][service]["command"]
    assert program == "locust"
    return [sys.executable, "-m", "locust", *options]


def test_the_master_counts_every_request_of_its_workers_as_the_replicas_do(tmp_path: Path) -> None:
    with running_registry() as registry:
        registry.promote("1", write_bundle(tmp_path / "1"))
        with running_replicas(tmp_path, registry.url, 2) as replicas, running_locust(replicas.url) as locust:
            for replica in replicas.running:
                replica.wait_until_ready()
            replicas.wait_until_all_are_used()
            locust.post("/swarm", data={"user_count": "10", "spawn_rate": "10", "host": replicas.url})
            eventually(lambda: all(answered(replica) > 20 for replica in replicas.running))
            locust.post("/stop").raise_for_status()
            eventually(lambda: locust.get("/stats/requests").json()["state"] == "stopped")
            served = sum(answered(replica) for replica in replicas.running)
            eventually(lambda: counted(locust) >= (served, 0))
            assert counted(locust) == (served, 0)


@contextmanager
def running_locust(url: str) -> Iterator[httpx.Client]:
    """Start a master and workers that load an address; yields a client of the master's page."""
    page, port = f"http://127.0.0.1:{(page_port := free_port())}", str(free_port())
    here = ("--web-host", "127.0.0.1", "--web-port", str(page_port), "--master-bind-host", "127.0.0.1")
    master = [*command_of("locust"), *here, "--master-bind-port", port]
    worker = [*command_of("locust-worker")[:-1], "127.0.0.1", "--master-port", port]
    variables = os.environ | {"PYTHONPATH": str(ROOT), "LOCUST_HOST": url, "API_URL": url}
    processes = [
        subprocess.Popen([*command, "-f", "locust/locustfile.py"], cwd=ROOT, env=variables)
        for command in (master, *[worker] * WORKERS)
    ]
    try:
        with httpx.Client(base_url=page, timeout=60) as client:
            eventually(lambda: has_workers(client))
            yield client
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def has_workers(locust: httpx.Client) -> bool:
    try:
        return len(locust.get("/stats/requests").json()["workers"]) == WORKERS
    except httpx.TransportError:
        return False


def counted(locust: httpx.Client) -> tuple[int, int]:
    """Requests and failures."""
    rows = locust.get("/stats/requests").json()["stats"]
    return next((row["num_requests"], row["num_failures"]) for row in rows if row["name"] == "Aggregated")
