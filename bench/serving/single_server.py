"""Measurements of the service alone: large batches, single records beside them, start, memory, number of workers."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from timeit import timeit
from typing import Any, Final

import httpx

from api.contract.parsing import parse_batch
from api.scoring.batch_inputs import batch_inputs
from bench.serving.client import background_load, run_load
from bench.serving.model import BUNDLE
from bench.serving.peers.launch import OURS, Launcher, Peer, running
from bench.serving.rounds import LARGE, SINGLE, Plan, compare, records_of
from ml.core.bundle import load_bundle
from ml.schema import Record

REPEATED: Final = 5
WORKERS: Final = (1, 2)
_SCALING_CONNECTIONS: Final = 64
_SETTLING_SECONDS: Final = 5
"""Time until the rows of the last batches are in PostgreSQL and their memory is free."""
_JSON: Final = {"Content-Type": "application/json"}


def measure_alone(known: Mapping[str, Launcher], folder: Path, records: Sequence[Record], plan: Plan) -> dict[str, Any]:
    """Metrics of the service on both cores."""
    started = time.monotonic()
    with running(known[OURS], folder, pinned=False) as ours:
        seconds_to_ready = time.monotonic() - started
        single, large = (ours.body(records_of(name, records)) for name in (SINGLE, LARGE))
        run_load(ours, single, 1, 1)
        memory = ours.pss_mb()
        batches = _large_batches(ours, folder, large)
        disturbed = _beside_large_batches(ours, single, large, plan)
        time.sleep(_SETTLING_SECONDS)
        return {
            "seconds_to_ready": round(seconds_to_ready, 2),
            "memory_mb": memory,
            "memory_with_large_batches_mb": ours.pss_mb(),
            "large_batches": batches,
            "single_records_beside_large_batches": disturbed,
        }


def measure_scaling(known: Mapping[str, Launcher], folder: Path, plan: Plan) -> dict[str, Any]:
    """Throughput and busy cores by number of workers behind one address, in alternating rounds.

    The client and PostgreSQL use the same cores, so two workers on two cores cannot reach twice the throughput.
    """
    with ExitStack() as stack:
        servers = []
        for workers in WORKERS:
            environment = {**known[OURS].environment, "API_WORKERS": str(workers)}
            launcher = replace(known[OURS], name=str(workers), environment=environment)
            servers.append(stack.enter_context(running(launcher, folder, pinned=False)))
        rows = compare(servers, [], Plan(2 * plan.seconds, plan.rounds, {SINGLE: (_SCALING_CONNECTIONS,)}))
    by_workers = {
        row["peer"]: {
            "per_second": row["per_second"],
            "cores_busy": round(row["per_second"] * row["cpu_microseconds"] / 1e6, 2),
        }
        for row in rows
    }
    one, several = by_workers.values()
    ratio, cores = (several[metric] / one[metric] for metric in ("per_second", "cores_busy"))
    return {
        "connections": _SCALING_CONNECTIONS,
        "workers": by_workers,
        "ratio": round(ratio, 2),
        "per_busy_core": round(ratio / cores, 2),
    }


def _large_batches(ours: Peer, folder: Path, body: bytes) -> dict[str, Any]:
    """Rows per second of the service and of the graph on encoded arrays, and the time to parse and encode."""
    bundle = load_bundle(folder / BUNDLE)
    columns = parse_batch(body, 10**6)
    inputs = batch_inputs(columns, {})
    arrays = inputs.encode(0, len(columns))
    with httpx.Client(base_url=ours.url, timeout=60, headers=_JSON) as client:
        work: dict[str, Callable[[], object]] = {
            "request": lambda: client.post(ours.path, content=body).raise_for_status(),
            "graph": lambda: bundle.run(arrays),
            "reading and checking JSON": lambda: parse_batch(body, 10**6),
            "records to arrays": lambda: batch_inputs(columns, {}).encode(0, len(columns)),
        }
        next(iter(work.values()))()  # warm-up
        seconds: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(REPEATED):
            for name, run in work.items():
                seconds[name].append(timeit(run, number=1))
    request, graph, parsing, encoding = (statistics.median(times) for times in seconds.values())
    return {
        "rows": len(columns),
        "graph_rows_per_second": round(len(columns) / graph),
        "service_rows_per_second": round(len(columns) / request),
        "milliseconds": {name: round(1000 * statistics.median(times), 1) for name, times in seconds.items()},
        "ratio": round(graph / request, 3),
        "ratio_apart_from_json": round(graph / max(request - parsing, graph), 3),
        "ratio_apart_from_json_and_arrays": round(graph / max(request - parsing - encoding, graph), 3),
    }


def _beside_large_batches(ours: Peer, single: bytes, large: bytes, plan: Plan) -> dict[str, Any]:
    """99th percentiles of single records in ms by connections: alone, and while a client sends large batches."""
    result = {}
    for connections in (1, 16):
        alone, beside = [], []
        for _ in range(plan.rounds):
            alone.append(run_load(ours, single, connections, plan.seconds).p99)
            with background_load(ours, large, 1, plan.seconds + 4):
                time.sleep(1)
                beside.append(run_load(ours, single, connections, plan.seconds).p99)
            time.sleep(1)  # wait for pending batches
        p99_alone, p99_beside = statistics.median(alone), statistics.median(beside)
        result[str(connections)] = {
            "p99_alone": p99_alone, "p99_beside": p99_beside, "ratio": round(p99_beside / p99_alone, 2)
        }  # fmt: skip
    return result
