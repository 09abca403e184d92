"""Variables and functions of the templates of page and card."""

import re
from dataclasses import fields
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from ml.evaluation.metrics import TOP_SHARES
from ml.evaluation.subgroups import SUBGROUP_ENCOUNTERS, SUBGROUP_POSITIVES
from ml.report import formatting
from ml.report.captions import captions, is_miscalibrated, is_ranked_worse
from ml.report.findings import Findings
from ml.report.language import _, current_language, in_template
from ml.schema import CITATION

COMPARED: Final = (
    ("AUROC", "auroc"),
    ("Average precision", "average_precision"),
    ("Brier score", "brier"),
    ("Scaled Brier score", "scaled_brier"),
    ("Calibration error (ECE)", "ece"),
    ("Calibration slope", "calibration_slope"),
    ("Calibration intercept", "calibration_intercept"),
)

FOLDER: Final = Path(__file__).parent / "templates"
TEMPLATES: Final = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=select_autoescape(("html.j2",), default=False),  # Markdown is not HTML
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
TEMPLATES.globals["_"] = in_template
_AT_RANDOM: Final = re.compile(r"(\d+ %) of the fields, at random")
_ALL_BUT: Final = re.compile(r"All but (.+)")


def template_context(findings: Findings, version: str | None) -> dict[str, Any]:
    """All template variables: the fields of the findings, derived values and formatting functions."""
    provenance = findings.provenance
    return {
        **{field.name: getattr(findings, field.name) for field in fields(findings)},
        "language": current_language().value,
        "title": _("Risk of readmission within 30 days: {algorithm}", algorithm=provenance.algorithm),
        "version": version,
        "summary": _summary(findings),
        "compared": COMPARED,
        "cohort": {row.label: row for row in findings.characteristics},
        "capacity": _capacity(findings),
        "captions": captions(findings),
        "factors": [(name, list(rows)) for name, rows in groupby(findings.subgroups, lambda row: row.factor)],
        "is_ranked_worse": lambda row: is_ranked_worse(row, findings),
        "is_miscalibrated": is_miscalibrated,
        "min_rows": SUBGROUP_ENCOUNTERS,
        "min_positives": SUBGROUP_POSITIVES,
        "citation": CITATION,
        "number": formatting.number,
        "count": formatting.count,
        "notation": formatting.notation,
        "setting": _setting,
        "percent": formatting.percent,
        "with_interval": formatting.with_interval,
        "percent_with_interval": formatting.percent_with_interval,
    }


def _summary(findings: Findings) -> str:
    auroc, slope = (findings.metrics[name]["value"] for name in ("auroc", "calibration_slope"))
    return _(
        "Ranks encounters with an AUROC of {auroc}; its calibration slope is {slope}, ideally 1. Of the test "
        "encounters {prevalence} were followed by a readmission within 30 days.",
        auroc=formatting.number(auroc),
        slope=formatting.number(slope, 2),
        prevalence=formatting.percent(findings.prevalence),
    )


def _setting(label: str) -> str:
    """The label of :mod:`ml.report.analysis.robustness`, which the findings hold in English."""
    if at_random := _AT_RANDOM.fullmatch(label):
        return _("{share} of the fields, at random", share=at_random[1])
    if all_but := _ALL_BUT.fullmatch(label):
        return _("All but {group}", group=_(all_but[1].capitalize()).lower())
    return _(label)


def _capacity(findings: Findings) -> list[dict[str, Any]]:
    ends = {share: f"top_{100 * share:.0f}" for share in TOP_SHARES}
    return [
        {
            "share": formatting.percent(share, 0),
            "sensitivity": findings.metrics[f"sensitivity_{end}"],
            "ppv": findings.metrics[f"ppv_{end}"],
            "lift": findings.metrics[f"ppv_{end}"]["value"] / findings.prevalence,
            "reference": findings.reference_metrics[f"ppv_{end}"]["value"],
        }
        for share, end in ends.items()
    ]
