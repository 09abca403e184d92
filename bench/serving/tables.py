"""The result as tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table


def of(result: Mapping[str, Any]) -> Iterator[Table]:
    """Rounds by scenario, then the goals."""
    rounds = result["rounds"]
    for scenario in dict.fromkeys(r["scenario"] for r in rounds):
        table = Table(
            "server", "connections", "answers/s", "p50 ms", "p99 ms", "CPU ms each", "refused", title=scenario
        )
        for r in rounds:
            if r["scenario"] == scenario:
                figures = (r["per_second"], r["p50"], r["p99"], r["cpu_microseconds"] / 1000, int(r["refused"]))
                table.add_row(
                    r["peer"], str(r["connections"]), *(f"{figure:,.2f}".removesuffix(".00") for figure in figures)
                )
        yield table
    table = Table("goal", "bound", "measured", "reached", title="Goals")
    for goal in result["goals"]:
        table.add_row(goal["goal"], goal["bound"], f"{goal['measured']:g}", "yes" if goal["reached"] else "no")
    yield table
