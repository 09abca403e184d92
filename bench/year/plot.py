"""Draws ``bench/results/year.json`` as ``docs/images/year.svg``: ``python -m bench.year.plot``."""

import json
from pathlib import Path
from typing import Final

import matplotlib as mpl
import matplotlib.figure

from ml.report.plots import INK, MODEL, OTHER

ROOT: Final = Path(__file__).parents[2]
PANELS: Final = (
    ("predictions", "prediction log", "prediction_days"),
    ("access_log", "access log", "access_log_days"),
    ("artifacts", "MLflow's artifacts", "retain_days"),
    ("mlflow_database", "MLflow's database", "retain_days"),
)
"""Member of a week, title, and the limit after which the oldest is deleted."""


def main() -> None:
    """Write the picture; the same figures give the same file."""
    result = json.loads((ROOT / "bench" / "results" / "year.json").read_text())
    weeks = [week["week"] for week in result["weeks"]]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "year", "font.size": 9, "text.color": INK}):
        figure = mpl.figure.Figure(figsize=(9, 2.6), layout="constrained")
        for axes, (member, title, limit) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
            axes.plot(weeks, [week[member] for week in result["weeks"]], color=MODEL, linewidth=2)
            axes.axvline(result[limit] / 7, color=OTHER, linestyle=":", linewidth=1.5)
            axes.set(title=title, xlabel="week", ylim=(0, None))
            axes.spines[["top", "right"]].set_visible(False)
        figure.axes[0].set_ylabel("MB")
        figure.savefig(ROOT / "docs" / "images" / "year.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
