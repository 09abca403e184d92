"""Describes the machine, prints results as tables, and writes them to ``bench/results``."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table


def machine(*packages: str) -> dict[str, Any]:
    """Cores, memory, load, system, Python, and versions of packages."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1024**3),
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in packages},
    }


def print_table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows with the same keys as a table."""
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*map(_format, row.values()))
    Console(width=160).print(table)


def write_result(name: str, result: Mapping[str, Any]) -> None:
    """Write ``bench/results/NAME.json``."""
    path = Path(__file__).parent / "results" / f"{name}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")


def _format(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_format(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_format, value))
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
