"""What concerns our server alone: large batches beside the bare graph and beside single records, start, memory."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from api.contract.parsing import parse_large
from bench.serving.client import ask, start
from bench.serving.model import BUNDLE
from bench.serving.peers.commands import OURS, Kind, Peer, running
from bench.serving.rounds import LARGE, SINGLE, Plan, asked_of
from ml.core.bundle import encode, load_bundle
from ml.schema import Record

REPEATED: Final = 5
_SETTLING_SECONDS: Final = 5
"""Until the rows of the last batches are in PostgreSQL, and their memory is free."""
_JSON: Final = {"Content-Type": "application/json"}


def alone(known: Mapping[str, Kind], folder: Path, records: Sequence[Record], plan: Plan) -> dict[str, Any]:
    """Figures of a server on both cores, which nobody else is asked beside."""
    began = time.monotonic()
    with running(OURS, known[OURS], folder, pinned=False) as ours:
        started = time.monotonic() - began
        single, large = (ours.body(asked_of(name, records)) for name in (SINGLE, LARGE))
        ask(ours, single, 1, 1)
        memory = ours.pss_mb()
        batches = _batches(ours, folder, large)
        disturbed = _disturbed(ours, single, large, plan)
        time.sleep(_SETTLING_SECONDS)
        return {
            "seconds_to_ready": round(started, 2),
            "memory_mb": memory,
            "memory_with_large_batches_mb": ours.pss_mb(),
            "large_batches": batches,
            "single_records_beside_large_batches": disturbed,
        }


def _batches(ours: Peer, folder: Path, body: bytes) -> dict[str, Any]:
    """Rows per second of the bare graph on ready arrays, and of the service; and what reading the JSON takes."""
    bundle = load_bundle(folder / BUNDLE)
    parsed = parse_large(body, 10**6)
    arrays = encode(parsed)
    with httpx.Client(base_url=ours.url, timeout=60, headers=_JSON) as client:
        client.post(ours.path, content=body).raise_for_status()
        whole, bare, reading, encoding = [], [], [], []
        for _ in range(REPEATED):  # in turn, so that the machine is the same to all
            whole.append(_seconds(lambda: client.post(ours.path, content=body).raise_for_status()))
            bare.append(_seconds(lambda: bundle.run(arrays)))
            reading.append(_seconds(lambda: parse_large(body, 10**6)))
            encoding.append(_seconds(lambda: encode(parsed)))
    request, graph, read, encoded = (statistics.median(times) for times in (whole, bare, reading, encoding))
    rows = len(parsed)
    return {
        "rows": rows,
        "graph_rows_per_second": round(rows / graph),
        "service_rows_per_second": round(rows / request),
        "milliseconds": {
            "request": round(1000 * request, 1),
            "graph": round(1000 * graph, 1),
            "reading and checking JSON": round(1000 * read, 1),
            "records to arrays": round(1000 * encoded, 1),
        },
        "ratio": round(graph / request, 3),
        "ratio_apart_from_json": round(graph / max(request - read, graph), 3),
        "ratio_apart_from_json_and_arrays": round(graph / max(request - read - encoded, graph), 3),
    }


def _disturbed(ours: Peer, single: bytes, large: bytes, plan: Plan) -> dict[str, Any]:
    """99th percentiles of single records, in ms, by connections: alone, and while a client sends large batches."""
    found = {}
    for connections in (1, 16):
        shown: dict[str, list[float]] = {"alone": [], "beside": []}
        for _ in range(plan.rounds):
            shown["alone"].append(ask(ours, single, connections, plan.seconds).p99)
            with start(ours, large, 1, plan.seconds + 4):
                time.sleep(1)
                shown["beside"].append(ask(ours, single, connections, plan.seconds).p99)
            time.sleep(1)  # what was begun comes to its end
        alone_p99, beside = (statistics.median(values) for values in shown.values())
        found[str(connections)] = {
            "p99_alone": alone_p99, "p99_beside": beside, "ratio": round(beside / alone_p99, 2)
        }  # fmt: skip
    return found


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
