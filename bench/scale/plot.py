"""Draws processor time and peak memory against rows as ``docs/images/scale.svg``: ``python -m bench.scale.plot``.

Processor time includes that of PostgreSQL, and depends less on other programs than the time that passes. Peak
memory has the limit beside it: 1.5 GB and 400 bytes for each encounter.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import matplotlib.figure

from ml.report.plots import INK

PROCESSOR: Final = ("processor_seconds", "postgres_processor_seconds")
ROOT: Final = Path(__file__).parents[2]
COLOURS: Final = {
    "ingest": "#0072B2",
    "train RandomForest": "#009E73",
    "train XGBoost": "#D55E00",
    "score": "#CC79A7",
}
"""Steps that are drawn; the gates take about the same at any size."""


def main() -> None:
    """Write the picture; the same figures give the same file."""
    runs = json.loads((ROOT / "bench" / "results" / "scale_rows.json").read_text())["runs"]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "scale", "font.size": 9, "text.color": INK}):
        figure = mpl.figure.Figure(figsize=(9, 3.2), layout="constrained")
        minutes, memory = figure.subplots(1, 2)
        for step, colour in COLOURS.items():
            for axes, members, unit in ((minutes, PROCESSOR, 60), (memory, ("peak_mb",), 1000)):
                steps = [of_step(run["steps"], step) for run in runs]
                values = [sum(found[member] for member in members) / unit for found in steps]
                axes.plot(_rows(runs), values, color=colour, marker="o", linewidth=2, label=step)
        memory.plot(_rows(runs), [run["allowed_mb"] / 1000 for run in runs], color=INK, linestyle=":", label="limit")
        minutes.set(title="processor time, minutes of a core", xscale="log", yscale="log", xlabel="encounters")
        memory.set(title="peak memory of a process, GB", xscale="log", xlabel="encounters", ylim=(0, None))
        for axes in (minutes, memory):
            axes.spines[["top", "right"]].set_visible(False)
        memory.legend(frameon=False)
        figure.savefig(ROOT / "docs" / "images" / "scale.svg", metadata={"Date": None})


def of_step(steps: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """The figures of a step."""
    return next(step for step in steps if step["step"] == name)


def _rows(runs: Sequence[Mapping[str, Any]]) -> list[int]:
    return [run["rows"] for run in runs]


if __name__ == "__main__":
    main()
