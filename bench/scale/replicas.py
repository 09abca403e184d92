"""One to four replicas of the API behind HAProxy: throughput, processor time and latencies, and the simulation's error.

``python -m bench.scale.replicas [FILE] [SECONDS]``, seconds of each round. HAProxy, the client and PostgreSQL have one
core, the replicas share the others. The simulation knows the service times of one replica that has one request at a
time, and from one saturated replica what a further request in a turn costs. Everything else it predicts.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
import psutil

from bench.database import logging_database
from bench.genuine import data_file
from bench.processes import processor_seconds
from bench.report import machine, print_table, write_result
from bench.scale.open_loop import CONNECTIONS, send
from bench.scale.simulation import SEED, Prediction, Tier, predict, summarise
from bench.serving.client import pin_client, require_wrk, run_load
from bench.serving.model import prepare
from bench.serving.peers.launch import CLIENT_CORE, OURS, ROOT, Peer, launchers, running
from bench.serving.rounds import SINGLE, records_of
from infra.local.supervision.probes import free_port
from ml.core.proxies import bypass_proxy

REPLICAS: Final = (1, 2, 3, 4)
LOADS: Final = (0.25, 0.5, 0.75)
"""Of the throughput of one saturated replica."""
SECONDS: Final = 10.0
FOLDER: Final = Path(".local") / "bench" / "serving" / "full"
_SEQUENTIAL: Final = 2_000
_FEWEST: Final = 50
_CHECKED_SECONDS: Final = 3
"""Time in which HAProxy checks every replica."""
_JSON: Final = {"Content-Type": "application/json"}
_QUANTILES: Final = np.linspace(0, 1, 201)


def main() -> None:
    """Measure, print and write the result."""
    file, seconds = data_file(), float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    require_wrk()
    bypass_proxy()
    model = prepare(file, FOLDER.resolve(), quick=False)
    pin_client()
    result = {"model": model, "seconds": seconds, **measure(FOLDER.resolve(), seconds)}
    for name in ("saturated", "loads"):
        print_table(name, result[name])
    write_result("scale_replicas", result | {"machine": machine("onnxruntime", "uvicorn", "numpy")})


def measure(folder: Path, seconds: float) -> dict[str, Any]:
    """Measure every number of replicas, then compare the simulation with it."""
    cores = sorted(set(range(os.cpu_count() or 1)) - {CLIENT_CORE})
    saturated, loads, service = [], [], dict[str, Any]()
    with tempfile.TemporaryDirectory() as scratch, logging_database(Path(scratch)) as environment, ExitStack() as stack:
        database = next(child for child in psutil.Process().children() if child.name() == "postgres")
        ours = launchers(folder, environment, None)[OURS]
        ours = replace(ours, command=["taskset", "--cpu-list", ",".join(map(str, cores)), *ours.command])
        replicas: list[Peer] = []
        for count in REPLICAS:
            replicas.append(stack.enter_context(running(ours, folder)))
            with balanced(replicas, Path(scratch)) as haproxy:
                body = haproxy.body(records_of(SINGLE, []))
                saturated.append(saturate(haproxy, replicas, database, body, seconds))
                service = service or alone(replicas[0], haproxy, body)
                for share in LOADS:
                    rate = share * saturated[0]["per_second"]
                    due = np.cumsum(
                        np.random.default_rng(SEED).exponential(1 / rate, max(int(rate * seconds), _FEWEST))
                    )
                    found = summarise(due, send(haproxy, body, due))
                    figures = {"refused": found.refused, "p50": found.p50, "p99": found.p99}
                    loads.append({"replicas": count, "per_second": round(rate), **figures})
    each = saturated[0]["replica_microseconds"] / service["processor_microseconds"]
    service["further"] = round(float(np.clip((CONNECTIONS * each - 1) / (CONNECTIONS - 1), 0, 1)), 4)
    for row in saturated:
        tier = Tier(row["replicas"], len(cores), limit=CONNECTIONS // row["replicas"], further=service["further"])
        found = predicted(tier, 3 * row["per_second"], service)  # what is above the capacity is refused
        row["error"] = round(found.per_second / row["per_second"] - 1, 3)
    for row in loads:
        found = predicted(Tier(row["replicas"], len(cores), further=service["further"]), row["per_second"], service)
        row |= {"error_p50": round(found.p50 / row["p50"] - 1, 3), "error_p99": round(found.p99 / row["p99"] - 1, 3)}
    return {"cores": len(cores), "service": service, "saturated": saturated, "loads": loads}


def predicted(tier: Tier, rate: float, service: Mapping[str, Any]) -> Prediction:
    """The simulation's prediction for a client that reaches the tier through HAProxy."""
    found = predict(tier, rate, [time / 1e6 for time in service["quantiles_microseconds"]])
    way = service["way_microseconds"] / 1000
    return replace(found, p50=found.p50 + way, p99=found.p99 + way)


@contextmanager
def balanced(replicas: Sequence[Peer], folder: Path) -> Iterator[Peer]:
    """HAProxy in front of the replicas, with the configuration of docker-compose.scale.yml."""
    port, health, configuration = free_port(), free_port(), folder / "haproxy.cfg"
    servers = "".join(f"    server r{n} {peer.url.removeprefix('http://')}\n" for n, peer in enumerate(replicas))
    text = (ROOT / "infra" / "haproxy" / "haproxy.cfg").read_text()
    text = text.replace("bind :8000", f"bind 127.0.0.1:{port}").replace("127.0.0.1:8404", f"127.0.0.1:{health}")
    configuration.write_text(text.replace("    server-template replica 16 api-replicas:8000\n", servers))
    with (folder / "haproxy.log").open("ab") as log:
        process = subprocess.Popen(["haproxy", "-db", "-f", str(configuration)], stdout=log, stderr=log)
    peer = Peer("haproxy", f"http://127.0.0.1:{port}", "/predict", "records", psutil.Process(process.pid))
    try:
        time.sleep(_CHECKED_SECONDS)
        while httpx.get(f"{peer.url}/ready", timeout=60).is_error:
            time.sleep(1)
        yield peer
    finally:
        process.terminate()
        process.wait(20)


def saturate(
    haproxy: Peer, replicas: Sequence[Peer], database: psutil.Process, body: bytes, seconds: float
) -> dict[str, Any]:
    """Throughput of a client that keeps all connections busy, and processor time of each part for a request."""
    processes = [peer.process for peer in replicas]
    run_load(haproxy, body, CONNECTIONS, 1)  # warm-up
    before, log = sum(map(processor_seconds, processes)), processor_seconds(database)
    found = run_load(haproxy, body, CONNECTIONS, seconds)
    per_request = 1e6 / (found.per_second * seconds)
    return {
        "replicas": len(replicas),
        "per_second": found.per_second,
        "p99": found.p99,
        "failed": found.failed + found.refused,
        "replica_microseconds": round(per_request * (sum(map(processor_seconds, processes)) - before), 1),
        "haproxy_microseconds": found.cpu_microseconds,
        "postgres_microseconds": round(per_request * (processor_seconds(database) - log), 1),
        "memory_mb": round(sum(peer.pss_mb() for peer in replicas) / len(replicas)),
    }


def alone(replica: Peer, haproxy: Peer, body: bytes) -> dict[str, Any]:
    """Service times of a replica that has one request at a time, and the latency that HAProxy adds."""
    at_once = np.zeros(_SEQUENTIAL)  # on one connection each waits for the one before
    before = processor_seconds(replica.process)
    direct = np.diff(send(replica, body, at_once, connections=1))
    used = processor_seconds(replica.process) - before
    through = np.diff(send(haproxy, body, at_once, connections=1))
    return {
        "quantiles_microseconds": (1e6 * np.quantile(direct, _QUANTILES)).round(1).tolist(),
        "processor_microseconds": round(1e6 * used / _SEQUENTIAL, 1),
        "way_microseconds": round(1e6 * float(np.median(through) - np.median(direct)), 1),
        "body_bytes": len(body),
        "answer_bytes": len(httpx.post(replica.url + replica.path, content=body, headers=_JSON).content),
    }


if __name__ == "__main__":
    main()
