"""The report of a run as one page: what drifted, how far, and in which values."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import FileSystemLoader

from ml.monitoring.drift import FALSE_ALARMS, FEWEST, MINIMUM, Comparison, Finding, Kind, State
from ml.monitoring.findings import Monitored
from ml.monitoring.reference import SCORE
from ml.report import formatting, template_context
from ml.schema import BY_NAME

TEMPLATES: Final = template_context.TEMPLATES.overlay(
    loader=FileSystemLoader([Path(__file__).parent / "templates", template_context.FOLDER])
)
"""Those of this package, with the style sheet of the report of a model."""

KINDS: Final = {
    Kind.VALUE: "Values",
    Kind.KNOWN: "Known fields",
    Kind.SCORE: "Answers of the model",
}
STATES: Final = {State.OK: "no drift", State.DRIFT: "drift", State.NOT_ENOUGH_DATA: "not enough data"}
_SHOWN_BINS: Final = 15


def page(monitored: Monitored, comparisons: Sequence[Comparison]) -> str:
    """The report as HTML, which asks nothing of any server.

    Args:
        monitored: the run.
        comparisons: those that its findings are of.
    """
    by_test = {(one.kind, one.feature): one for one in comparisons}
    return TEMPLATES.get_template("drift.html.j2").render(
        run=monitored,
        state=STATES[monitored.state],
        changes=[_change(found, by_test[found.kind, found.feature]) for found in monitored.drifted],
        kinds=[(name, [one for one in monitored.findings if one.kind is kind]) for kind, name in KINDS.items()],
        kind_names=KINDS,
        states=STATES,
        label=label,
        limits={"false_alarms": FALSE_ALARMS, "fewest": FEWEST, "minimum": MINIMUM},
        number=lambda value: formatting.DASH if value is None else formatting.number(value),
        percent=formatting.percent,
    )


def label(feature: str) -> str:
    """A feature as people read it."""
    return "Probability of readmission" if feature == SCORE else BY_NAME[feature].label


def _change(found: Finding, compared: Comparison) -> dict[str, Any]:
    """A finding with the bins that moved most, in their order."""
    window, reference = (counts / counts.sum() for counts in (compared.window, compared.reference))
    moved = sorted(range(len(window)), key=lambda place: -abs(window[place] - reference[place]))[:_SHOWN_BINS]
    bins = [
        {"name": _meaning(compared, place), "window": float(window[place]), "reference": float(reference[place])}
        for place in sorted(moved)
        if window[place] or reference[place]
    ]
    return {"finding": found, "bins": bins, "left_out": len(window) - len(bins)}


def _meaning(compared: Comparison, place: int) -> str:
    """A bin as people read it: with the meaning of a coded value."""
    name = compared.bins[place]
    column = BY_NAME.get(compared.feature)
    if compared.kind is not Kind.VALUE or column is None or not name.isdecimal() or int(name) not in column.texts:
        return name
    return f"{name}: {column.text_of(int(name))}"
