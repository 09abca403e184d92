"""Report of a version as one self-contained HTML page."""

from collections.abc import Sequence
from typing import Final

from ml.evaluation.bootstrap import Interval
from ml.report.captions import captions
from ml.report.findings import Findings
from ml.report.plots import plots
from ml.report.svg import to_svg
from ml.report.template_context import TEMPLATES, template_context

Scale = tuple[float, float]
"""Ends of an axis."""

SECTIONS: Final = (
    ("figures", "Metrics"),
    ("ranking", "Ranking"),
    ("calibration", "Calibration"),
    ("usefulness", "Usefulness"),
    ("subgroups", "Subgroups"),
    ("importance", "Importance"),
    ("missing", "Missing fields"),
    ("origin", "Provenance"),
)
EXPLANATIONS: Final = {
    "roc": "Each point is a threshold. The higher the curve above the dotted line, the better the ranking. Bands are "
    "95 % intervals.",
    "precision_recall": "Each point is a threshold: recall is the share of readmissions that are flagged, precision "
    "the share of flagged encounters that are readmitted. Unlike the ROC curve, it depends on the prevalence.",
    "calibration": "Each point is a decile of the encounters. On the dotted line, predicted and observed risk are "
    "equal. Below: number of encounters by risk.",
    "distribution": "Each outcome adds up to 100 %. The less the two overlap, the better the risk separates them. The "
    "last step includes all higher risks.",
    "decision_curve": "Acting from a risk of 10 % on means that one missed readmission weighs as much as nine needless "
    "actions. Net benefit is the share of readmissions found, less the needless actions weighted in this way. The "
    "highest line is the best strategy.",
    "gains": "The share of all readmissions that is reached by following up a share of the encounters.",
    "missing_fields": "The model predicts for the same encounters with fewer and fewer fields. Ranking has to degrade; "
    "the mean prediction should stay at the observed rate.",
}
"""How to read each plot."""

_MARGIN: Final = 0.04


def page(findings: Findings, version: str | None = None) -> str:
    """Render the report as HTML; ``version`` is the number in the registry, if registered."""
    caption_of = captions(findings)
    figures = {file.removesuffix(".png"): figure for file, figure in plots(findings).items()}
    return TEMPLATES.get_template("page.html.j2").render(
        **template_context(findings, version),
        **_scales(findings),
        sections=SECTIONS,
        explanations=EXPLANATIONS,
        plots={name: to_svg(name, figure, caption_of[name]) for name, figure in figures.items()},
        position=lambda value, scale: f"{100 * (value - scale[0]) / (scale[1] - scale[0]):.2f}%",
        length=lambda value, scale: f"{max(0.0, 100 * value / (scale[1] - scale[0])):.2f}%",
    )


def _scales(findings: Findings) -> dict[str, Scale]:
    """Shared axes of the small charts in tables."""
    rows = findings.subgroups
    rates = [row.observed for row in rows if row.observed]
    predicted = ({"low": row.predicted, "high": row.predicted} for row in rows)
    losses = [row.auroc for row in (*findings.group_importance, *findings.field_importance)]
    zero = {"low": 0.0, "high": 0.0}
    return {
        "auroc_scale": _scale([findings.metrics["auroc"], *(row.auroc for row in rows if row.auroc)]),
        "rate_scale": _scale([zero, *rates, *predicted]),
        "loss_scale": _scale([zero, *losses]),
    }


def _scale(intervals: Sequence[Interval]) -> Scale:
    low, high = min(i["low"] for i in intervals), max(i["high"] for i in intervals)
    margin = _MARGIN * (high - low)
    return (low - margin if low else low, high + margin)
