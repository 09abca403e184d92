"""Locust with the commands of docker-compose.scale.yml: a master and workers, which load replicas behind HAProxy."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.local.settings import ROOT
from infra.local.supervision.probes import free_port
from tests.integration.api.bundles import write_bundle
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
        with running_replicas(tmp_path, registry.url, 2) as replicas:
            for replica in replicas.running:
                replica.wait_until_ready()
            replicas.wait_until_all_are_used()
            counted = run_distributed(replicas.url)
            served = [answered(replica) for replica in replicas.running]

    assert min(served) > 0
    assert sum(entry["num_requests"] for entry in counted) == sum(served)
    assert sum(entry["num_failures"] for entry in counted) == 0


def run_distributed(url: str) -> list[dict[str, int]]:
    """Run a short load test with workers; returns the statistics of the master."""
    port = str(free_port())
    test = ("--headless", "--json", "-u", "10", "-r", "10", "-t", "8s", "--expect-workers", str(WORKERS))
    master = start([*command_of("locust"), "--master-bind-host", "127.0.0.1", "--master-bind-port", port, *test], url)
    worker = [*command_of("locust-worker")[:-1], "127.0.0.1", "--master-port", port]
    workers = [start(worker, url) for _ in range(WORKERS)]
    try:
        output, log = master.communicate(timeout=200)
        assert master.returncode == 0, log
        assert [process.wait(60) for process in workers] == [0] * WORKERS
        entries: list[dict[str, int]] = json.loads(output)
        return entries
    finally:
        for process in (master, *workers):
            process.kill()
            process.communicate()


def start(command: Sequence[str], url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command, "-f", "locust/locustfile.py"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "LOCUST_HOST": url, "API_URL": url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
