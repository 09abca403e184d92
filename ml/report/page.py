"""The report as one page: everything it shows is inside of it, and it asks nothing of any server."""

from collections.abc import Sequence
from typing import Any, Final

from ml.evaluation.bootstrap import Interval
from ml.report.captions import readings
from ml.report.findings import Findings
from ml.report.plots import figures
from ml.report.svg import picture
from ml.report.template_context import TEMPLATES, facts

Scale = tuple[float, float]
"""Ends of an axis."""

SECTIONS: Final = (
    ("figures", "Key figures"),
    ("ranking", "Ranking"),
    ("calibration", "Calibration"),
    ("usefulness", "Usefulness"),
    ("subgroups", "Subgroups"),
    ("importance", "Importance"),
    ("missing", "Missing fields"),
    ("origin", "Origin"),
)
GUIDES: Final = {
    "roc": "Each point is a threshold. The higher the curve stands above the dotted line, the better the order of "
    "the risks. Bands are 95 % intervals.",
    "precision_recall": "Each point is a threshold: how many of the readmissions are found, and how many of those "
    "flagged are readmitted. Unlike ROC it depends on the prevalence.",
    "calibration": "Each point is a tenth of the encounters. On the dotted line, the promised risk comes true. "
    "Below: how many encounters have which risk.",
    "distribution": "Each outcome adds up to 100 %. The less the two overlap, the better a risk tells them apart. "
    "The last step holds all risks above it.",
    "decision_curve": "Somebody who acts from a risk of 10 % on says that one readmission missed weighs as nine "
    "needless actions. Net benefit is the readmissions found, less the needless actions at that exchange. The "
    "highest line is the best thing to do.",
    "gains": "Read upwards from what can be followed up: how many of the readmissions are among them.",
    "missing_fields": "The model answers the same encounters with ever fewer fields. Ranking has to fall; the mean "
    "prediction should stay where the observed rate is.",
}
"""How to read each figure, for those who have not seen its kind before."""

_MARGIN: Final = 0.04


def page(findings: Findings, version: str | None = None) -> str:
    """The report of a version as HTML.

    Args:
        findings: of its run.
        version: its number in the registry, once it has one.
    """
    template = TEMPLATES.get_template("page.html.j2")
    return template.render(
        **facts(findings, version),
        **_scales(findings),
        sections=SECTIONS,
        guides=GUIDES,
        pictures=_pictures(findings),
        place=_place,
        length=lambda value, scale: f"{max(0.0, 100 * value / (scale[1] - scale[0])):.2f}%",
    )


def _pictures(findings: Findings) -> dict[str, Any]:
    said = readings(findings)
    return {name: picture(name, figure, said[name]) for name, figure in figures(findings).items()}


def _scales(findings: Findings) -> dict[str, Scale]:
    """Axes that the small charts inside of a table share."""
    judged = findings.subgroups
    rates = [row.observed for row in judged if row.observed]
    losses = [row.auroc for row in (*findings.group_importance, *findings.field_importance)]
    zero = {"low": 0.0, "high": 0.0}
    return {
        "auroc_scale": _scale([findings.metrics["auroc"], *(row.auroc for row in judged if row.auroc)]),
        "rate_scale": _scale([zero, *rates, *({"low": row.predicted, "high": row.predicted} for row in judged)]),
        "loss_scale": _scale([zero, *losses]),
    }


def _scale(intervals: Sequence[Interval]) -> Scale:
    low, high = min(i["low"] for i in intervals), max(i["high"] for i in intervals)
    margin = _MARGIN * (high - low)
    return (low - margin if low else low, high + margin)


def _place(value: float, scale: Scale) -> str:
    low, high = scale
    return f"{100 * (value - low) / (high - low):.2f}%"
