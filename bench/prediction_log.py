"""What the prediction log costs: the service with it, beside the service without.

``python -m bench.prediction_log [FILE]`` starts both side by side with a PostgreSQL, asks them in alternating rounds,
prints a table and writes ``bench/results/prediction_log.json``. Both servers share the first core; client and
PostgreSQL have the second. CPU time of the server per answer is the steadier of the two figures.
"""

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.machine import machine
from bench.serving.client import ask, require_wrk
from bench.serving.database import database
from bench.serving.model import prepare
from bench.serving.peers.commands import CLIENT_CORE, OURS, QUIET, Peer, kinds, running
from bench.serving.rounds import SHORT, SINGLE, asked_of

RESULT: Final = Path(__file__).parent / "results" / "prediction_log.json"
FOLDER: Final = Path(".local") / "bench" / "serving" / "quick"
ROUNDS: Final = 7
SECONDS: Final = 3.0
CONNECTIONS: Final = 16
LIMIT: Final = 0.05
"""Largest share of the throughput that the log may take."""


def main() -> None:
    """Measure, print and write the result; exit with 1 when the log costs more than its limit."""
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("DATA_FILE")
    if not given:
        sys.exit("Name the genuine data set: python -m bench.prediction_log FILE, or set DATA_FILE.")
    require_wrk()
    prepare(Path(given), FOLDER.resolve(), quick=True)
    found = measure(FOLDER.resolve())
    Console().print(_table(found))
    RESULT.write_text(json.dumps({"limit": LIMIT, "scenarios": found, "machine": machine("psycopg2-binary")}, indent=1))
    sys.exit(any(shown["throughput_lost"] > LIMIT for shown in found.values()))


def measure(folder: Path) -> dict[str, dict[str, Any]]:
    """Both kinds of single records."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    with tempfile.TemporaryDirectory() as scratch, database(Path(scratch)) as login:
        known = kinds(folder, login, None)
        with running(OURS, known[OURS], folder) as logging, running(QUIET, known[QUIET], folder) as quiet:
            return {scenario: _compare((logging, quiet), scenario) for scenario in (SINGLE, SHORT)}


def _compare(peers: Sequence[Peer], scenario: str) -> dict[str, Any]:
    shown: dict[str, dict[str, list[float]]] = {peer.name: {"per_second": [], "cpu": []} for peer in peers}
    for number in range(ROUNDS + 1):
        for peer in peers if number % 2 else reversed(peers):
            seen = ask(peer, peer.body(asked_of(scenario, [])), CONNECTIONS, SECONDS)
            if number:  # the first round warms up
                shown[peer.name]["per_second"].append(seen.per_second)
                shown[peer.name]["cpu"].append(seen.cpu_microseconds)
    (logging, quiet) = (
        {name: statistics.median(values) for name, values in shown[peer.name].items()} for peer in peers
    )
    return {
        "with_log": logging,
        "without": quiet,
        "throughput_lost": round(1 - logging["per_second"] / quiet["per_second"], 3),
        "cpu_added": round(logging["cpu"] / quiet["cpu"] - 1, 3),
    }


def _table(found: dict[str, dict[str, Any]]) -> Table:
    heads = ("request", "answers/s with log", "without", "lost", "CPU µs with log", "without", "added")
    table = Table(*heads, title=f"The prediction log, {CONNECTIONS} connections")
    for scenario, shown in found.items():
        table.add_row(
            scenario,
            *(f"{shown[who]['per_second']:,.0f}" for who in ("with_log", "without")),
            f"{shown['throughput_lost']:.1%}",
            *(f"{shown[who]['cpu']:.0f}" for who in ("with_log", "without")),
            f"{shown['cpu_added']:.1%}",
        )
    return table


if __name__ == "__main__":
    main()
