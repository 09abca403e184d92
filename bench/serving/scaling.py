"""Several workers behind one address, on both cores: what a second one adds.

The client and PostgreSQL work on the same cores, as they do beside any service, so that two workers on two cores
cannot answer quite twice as much; how much of the cores the servers had is told beside it.
"""

import statistics
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bench.serving.client import Round, ask
from bench.serving.peers.commands import OURS, Kind, Peer, running
from bench.serving.rounds import SINGLE, Plan, asked_of

WORKERS: Final = (1, 2)
_CONNECTIONS: Final = 64


def scaling(known: Mapping[str, Kind], folder: Path, plan: Plan) -> dict[str, Any]:
    """Answers per second, and cores that the servers kept busy, by number of workers; asked in turn."""
    shown: dict[int, list[Round]] = {workers: [] for workers in WORKERS}
    with ExitStack() as stack:
        servers = {
            workers: stack.enter_context(running(OURS, _with(known[OURS], workers), folder, pinned=False))
            for workers in WORKERS
        }
        for number in range(plan.rounds + 1):
            for workers, server in servers.items():
                seen = _ask(server, plan)
                if number:  # the first round warms up
                    shown[workers].append(seen)
    found = {str(workers): _median(rounds) for workers, rounds in shown.items()}
    one, several = (found[str(workers)] for workers in (WORKERS[0], WORKERS[-1]))
    ratio, cores = (several[figure] / one[figure] for figure in ("per_second", "cores_busy"))
    return {
        "connections": _CONNECTIONS,
        "workers": found,
        "ratio": round(ratio, 2),
        "per_busy_core": round(ratio / cores, 2),
    }


def _with(kind: Kind, workers: int) -> Kind:
    settings = {"WEB_CONCURRENCY": str(workers), "API_WORKERS": str(workers)}
    return replace(kind, environment={**kind.environment, **settings})


def _ask(server: Peer, plan: Plan) -> Round:
    return ask(server, server.body(asked_of(SINGLE, [])), _CONNECTIONS, 2 * plan.seconds)


def _median(rounds: list[Round]) -> dict[str, float]:
    per_second = statistics.median(seen.per_second for seen in rounds)
    busy = statistics.median(seen.per_second * seen.cpu_microseconds / 1e6 for seen in rounds)
    return {"per_second": per_second, "cores_busy": round(busy, 2)}
