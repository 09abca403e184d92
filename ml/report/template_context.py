"""What the templates of the page and of the card can name, from the findings."""

from itertools import groupby
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from ml.evaluation.metrics import TOP_SHARES
from ml.report import formatting
from ml.report.analysis.subgroups import MIN_POSITIVES, MIN_ROWS
from ml.report.captions import ranked_worse, readings, unlike_the_rest
from ml.report.findings import Findings
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
"""Name and key of the figures that are compared."""

FOLDER: Final = Path(__file__).parent / "templates"
TEMPLATES: Final = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=select_autoescape(("html.j2",), default=False),  # Markdown is not HTML
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
"""The templates of this package; a name that a template does not get is an error."""


def facts(findings: Findings, version: str | None) -> dict[str, Any]:
    """Everything that a template may name.

    Args:
        findings: of a run.
        version: its number in the registry, once it has one.
    """
    made = findings.provenance
    return {
        "title": f"Risk of readmission within 30 days: {made.algorithm}",
        "version": version,
        "made": made,
        "summary": _summary(findings),
        "metrics": findings.metrics,
        "without_history": findings.without_history,
        "compared": COMPARED,
        "reference": findings.reference_metrics,
        "prevalence": findings.prevalence,
        "ece_floor": findings.ece_floor,
        "cohort": {row.label: row for row in findings.characteristics},
        "capacity": _capacity(findings),
        "readings": readings(findings),
        "factors": [(name, list(rows)) for name, rows in groupby(findings.subgroups, lambda row: row.factor)],
        "group_importance": findings.group_importance,
        "field_importance": findings.field_importance,
        "importance_rows": findings.importance_rows,
        "robustness": findings.robustness,
        "robustness_rows": findings.robustness_rows,
        "ranked_worse": lambda row: ranked_worse(row, findings),
        "unlike_the_rest": unlike_the_rest,
        "min_rows": MIN_ROWS,
        "min_positives": MIN_POSITIVES,
        "citation": CITATION,
        "number": formatting.number,
        "percent": formatting.percent,
        "with_interval": formatting.with_interval,
        "percent_with_interval": formatting.percent_with_interval,
    }


def _summary(findings: Findings) -> str:
    auroc, slope = (findings.metrics[name]["value"] for name in ("auroc", "calibration_slope"))
    return (
        f"Ranks encounters with an AUROC of {formatting.number(auroc)}; its calibration slope is "
        f"{formatting.number(slope, 2)}, ideally 1. Of the test encounters "
        f"{formatting.percent(findings.prevalence)} were followed by a readmission within 30 days."
    )


def _capacity(findings: Findings) -> list[dict[str, Any]]:
    """What is reached with the shares of encounters that can be followed up."""
    rows = []
    for share in TOP_SHARES:
        end = f"top_{100 * share:.0f}"
        ppv = findings.metrics[f"ppv_{end}"]
        rows.append(
            {
                "share": formatting.percent(share, 0),
                "sensitivity": findings.metrics[f"sensitivity_{end}"],
                "ppv": ppv,
                "lift": ppv["value"] / findings.prevalence,
                "without_history": findings.without_history,
                "compared": COMPARED,
                "reference": findings.reference_metrics[f"ppv_{end}"]["value"],
            }
        )
    return rows
