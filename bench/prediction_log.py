"""Cost of the prediction log: the service with the log compared with the service without.

``python -m bench.prediction_log [FILE]`` runs both side by side in alternating rounds. Both servers share the first
core; the client and PostgreSQL use the second. CPU time per response is the more stable of the two metrics.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from bench.database import logging_database
from bench.genuine import data_file
from bench.report import machine, print_table, write_result
from bench.serving.client import pin_client, require_wrk
from bench.serving.model import prepare
from bench.serving.peers.launch import OURS, QUIET, launchers, running
from bench.serving.rounds import SHORT, SINGLE, Plan, compare

FOLDER: Final = Path(".local") / "bench" / "serving" / "quick"
CONNECTIONS: Final = 16
PLAN: Final = Plan(seconds=3, rounds=7, scenarios=dict.fromkeys((SINGLE, SHORT), (CONNECTIONS,)))
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
            rows = compare([logging, quiet], [], PLAN)
    scenarios = {scenario: _cost([row for row in rows if row["scenario"] == scenario]) for scenario in PLAN.scenarios}
    print_table(f"Prediction log, {CONNECTIONS} connections", [{"request": n, **row} for n, row in scenarios.items()])
    write_result("prediction_log", {"limit": LIMIT, "scenarios": scenarios, "machine": machine("psycopg2-binary")})
    sys.exit(any(row["throughput_lost"] > LIMIT for row in scenarios.values()))


def _cost(rows: list[dict[str, Any]]) -> dict[str, Any]:
    logging, quiet = ({"per_second": row["per_second"], "cpu": row["cpu_microseconds"]} for row in rows)
    return {
        "with_log": logging,
        "without": quiet,
        "throughput_lost": round(1 - logging["per_second"] / quiet["per_second"], 3),
        "cpu_added": round(logging["cpu"] / quiet["cpu"] - 1, 3),
    }


if __name__ == "__main__":
    main()
