"""Report of a version as one self-contained HTML page."""

from collections.abc import Sequence
from typing import Final

from ml.evaluation.bootstrap import Interval
from ml.report.captions import captions
from ml.report.findings import Findings
from ml.report.language import written_in
from ml.report.plots import plots
from ml.report.svg import to_svg
from ml.report.template_context import TEMPLATES, template_context
from ml.schema.translations import Language

Scale = tuple[float, float]  # ends of an axis

_MARGIN: Final = 0.04


def page(findings: Findings, version: str | None = None, language: Language = Language.ENGLISH) -> str:
    """Render the report as HTML; ``version`` is the number in the registry, if registered."""
    with written_in(language):
        return _render(findings, version)


def _render(findings: Findings, version: str | None) -> str:
    caption_of = captions(findings)
    figures = {file.removesuffix(".png"): figure for file, figure in plots(findings).items()}
    return TEMPLATES.get_template("page.html.j2").render(
        **template_context(findings, version),
        **_scales(findings),
        plots={name: to_svg(name, figure, caption_of[name]) for name, figure in figures.items()},
        position=lambda value, scale: f"{100 * (value - scale[0]) / (scale[1] - scale[0]):.2f}%",
        length=lambda value, scale: f"{max(0.0, 100 * value / (scale[1] - scale[0])):.2f}%",
    )


def _scales(findings: Findings) -> dict[str, Scale]:
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
