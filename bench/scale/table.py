"""Prints the costs as Markdown tables, and projects them to more rows and requests: ``python -m bench.scale.table``."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.scale.replicas import predicted
from bench.scale.simulation import Tier

RESULTS: Final = Path(__file__).parents[1] / "results"
ROWS: Final = (10_000_000, 200_000_000, 2_000_000_000)
RATES: Final = (1_000, 100_000, 1_000_000)
UNITS: Final = {"processor_seconds": "µs", "postgres_processor_seconds": "µs in PostgreSQL", "peak_mb": "bytes"}
"""Columns of the table by figures of :mod:`bench.scale.rows`; bytes are memory of the largest process."""
BUSY: Final = 0.6
"""Share of a core that a replica uses in the plan, on machines of so many cores."""
MACHINE_CORES: Final = 16


def main() -> None:
    """Print all tables."""
    names = ("scale_rows", "scale_replicas", "year")
    if missing := [name for name in names if not (RESULTS / f"{name}.json").exists()]:
        raise SystemExit(f"No result yet: run python -m bench.{missing[0].replace('_', '.')} first.")
    rows, replicas, year = (json.loads((RESULTS / f"{name}.json").read_text()) for name in names)
    tables = {
        "Cost of an encounter": per_row(rows["runs"]),
        "Bytes of an encounter": [run["bytes_per_row"] for run in rows["runs"] if "bytes_per_row" in run],
        "More rows": more_rows(rows["runs"]),
        "Replicas": replicas["saturated"],
        "Error of the simulation": replicas["loads"],
        "More requests": [more_requests(rate, replicas, year["weeks"][-1]) for rate in RATES],
    }
    for title, found in tables.items():
        if found:  # older runs have no bytes
            print(f"**{title}**\n\n{markdown(found)}\n")


def per_row(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Cost of a row in each step: the difference of the costs of both largest sizes, divided by that of their rows."""
    small, large = runs[-2:]
    rows = large["rows"] - small["rows"]
    return [
        {"step": after["step"]}
        | {title: max(after[name] - before[name], 0) / rows * 1e6 for name, title in UNITS.items()}
        for before, after in zip(small["steps"], large["steps"], strict=True)
    ]


def more_rows(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Core hours and memory of each step, in proportion to the rows."""
    largest = {step["step"]: step["peak_mb"] / 1e3 for step in runs[-1]["steps"]}
    return [
        {"step": row["step"]}
        | {
            f"{rows / 1e6:,.0f} M rows, core hours": (row["µs"] + row["µs in PostgreSQL"]) * rows / 3.6e9
            for rows in ROWS
        }
        | {
            f"{rows / 1e6:,.0f} M, GB": largest[row["step"]] + row["bytes"] * (rows - runs[-1]["rows"]) / 1e9
            for rows in ROWS
        }
        for row in per_row(runs)
    ]


def more_requests(rate: int, replicas: Mapping[str, Any], week: Mapping[str, Any]) -> dict[str, Any]:
    """Replicas, machines, cores and bytes for a request rate; latencies are simulated, with a core for each replica."""
    service, saturated = replicas["service"], replicas["saturated"]
    own, haproxy, database = (
        median(row[f"{part}_microseconds"] for row in saturated) / 1e6 for part in ("replica", "haproxy", "postgres")
    )
    count = math.ceil(rate * own / BUSY)
    found = predicted(Tier(count, further=service["further"]), rate, service)
    log_bytes = week["predictions"] * 1024**2 / week["rows_of_predictions"]
    return {
        "requests/s": rate,
        "replicas": count,
        "machines": math.ceil(count / MACHINE_CORES),
        "cores of HAProxy": rate * haproxy,
        "cores of PostgreSQL": rate * database,
        "log, GB/day": rate * log_bytes * 86_400 / 1e9,
        "bodies, Gbit/s": rate * (service["body_bytes"] + service["answer_bytes"]) * 8 / 1e9,
        "p50 ms": found.p50,
        "p99 ms": found.p99,
    }


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table of rows with the same keys."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([_text(value) for value in row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    main()
