"""Cost of the prediction log: the service with the log compared with the service without.

``python -m bench.prediction_log [FILE]`` runs both side by side in alternating rounds. Both servers share the first
core; the client and PostgreSQL use the second. CPU time per response is the more stable of the two metrics.
"""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.genuine import data_file
from bench.report import machine, print_table, write_result
from bench.serving.client import pin_client, require_wrk, run_load
from bench.serving.database import logging_database
from bench.serving.model import prepare
from bench.serving.peers.launch import OURS, QUIET, Peer, launchers, running
from bench.serving.rounds import SHORT, SINGLE, records_of

FOLDER: Final = Path(".local") / "bench" / "serving" / "quick"
ROUNDS: Final = 7
SECONDS: Final = 3.0
CONNECTIONS: Final = 16
LIMIT: Final = 0.05
"""Largest accepted loss of throughput."""


def main() -> None:
    """Measure, print and write the result; exits with 1 above the limit."""
    file, folder = data_file(), FOLDER.resolve()
    require_wrk()
    prepare(file, folder, quick=True)
    pin_client()
    with tempfile.TemporaryDirectory() as scratch, logging_database(Path(scratch)) as environment:
        known = launchers(folder, environment, None)
        with running(known[OURS], folder) as logging, running(known[QUIET], folder) as quiet:
            scenarios = {scenario: _compare((logging, quiet), scenario) for scenario in (SINGLE, SHORT)}
    print_table(f"Prediction log, {CONNECTIONS} connections", [{"request": n, **row} for n, row in scenarios.items()])
    write_result("prediction_log", {"limit": LIMIT, "scenarios": scenarios, "machine": machine("psycopg2-binary")})
    sys.exit(any(row["throughput_lost"] > LIMIT for row in scenarios.values()))


def _compare(peers: Sequence[Peer], scenario: str) -> dict[str, Any]:
    measured: dict[str, dict[str, list[float]]] = {peer.name: {"per_second": [], "cpu": []} for peer in peers}
    for number in range(ROUNDS + 1):
        for peer in peers if number % 2 else reversed(peers):
            result = run_load(peer, peer.body(records_of(scenario, [])), CONNECTIONS, SECONDS)
            if number:  # the first round is a warm-up
                measured[peer.name]["per_second"].append(result.per_second)
                measured[peer.name]["cpu"].append(result.cpu_microseconds)
    logging, quiet = (
        {name: statistics.median(values) for name, values in measured[peer.name].items()} for peer in peers
    )
    return {
        "with_log": logging,
        "without": quiet,
        "throughput_lost": round(1 - logging["per_second"] / quiet["per_second"], 3),
        "cpu_added": round(logging["cpu"] / quiet["cpu"] - 1, 3),
    }


if __name__ == "__main__":
    main()
