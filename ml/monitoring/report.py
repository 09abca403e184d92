"""Drift report of a monitoring run as a self-contained HTML page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import FileSystemLoader

from ml.monitoring.drift import FALSE_ALARM_RATE, MIN_DISTANCE, MIN_RECORDS, Comparison, Finding, Kind, State
from ml.monitoring.findings import MonitoringRun
from ml.monitoring.reference import SCORE
from ml.report import formatting, template_context
from ml.schema import BY_NAME

# Loads the style sheet from the templates of the model report.
_TEMPLATES: Final = template_context.TEMPLATES.overlay(
    loader=FileSystemLoader([Path(__file__).parent / "templates", template_context.FOLDER])
)
_KIND_NAMES: Final = {Kind.VALUE: "Values", Kind.KNOWN: "Known fields", Kind.SCORE: "Scores of the model"}
_STATE_NAMES: Final = {State.OK: "no drift", State.DRIFT: "drift", State.NOT_ENOUGH_DATA: "not enough data"}
_MAX_BINS: Final = 15


def page(run: MonitoringRun, comparisons: Sequence[Comparison]) -> str:
    """Render the report of a run and its tested comparisons as HTML."""
    by_test = {(one.kind, one.feature): one for one in comparisons}
    return _TEMPLATES.get_template("drift.html.j2").render(
        run=run,
        changes=[_change(finding, by_test[finding.kind, finding.feature]) for finding in run.drifted],
        findings_by_kind=[(name, [f for f in run.findings if f.kind is kind]) for kind, name in _KIND_NAMES.items()],
        kind_names=_KIND_NAMES,
        state_names=_STATE_NAMES,
        label=lambda feature: "Probability of readmission" if feature == SCORE else BY_NAME[feature].label,
        limits={"false_alarms": FALSE_ALARM_RATE, "records": MIN_RECORDS, "distance": MIN_DISTANCE},
        number=lambda value: formatting.DASH if value is None else formatting.number(value),
        percent=formatting.percent,
    )


def _change(finding: Finding, compared: Comparison) -> dict[str, Any]:
    window, reference = (counts / counts.sum() for counts in (compared.window, compared.reference))
    moved = sorted(range(len(window)), key=lambda place: -abs(window[place] - reference[place]))[:_MAX_BINS]
    bins = [
        {"name": _bin_name(compared, place), "window": float(window[place]), "reference": float(reference[place])}
        for place in sorted(moved)
        if window[place] or reference[place]
    ]
    return {"finding": finding, "bins": bins, "omitted": len(window) - len(bins)}


def _bin_name(compared: Comparison, place: int) -> str:
    name = compared.bins[place]
    column = BY_NAME.get(compared.feature)
    if compared.kind is not Kind.VALUE or column is None or not name.isdecimal() or int(name) not in column.texts:
        return name
    return f"{name}: {column.text_of(int(name))}"
