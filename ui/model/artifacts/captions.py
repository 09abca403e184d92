"""Captions of the training plots, by the names of their files."""

from typing import NamedTuple

from ui.i18n.language import _
from ui.i18n.wording import escape


class Caption(NamedTuple):
    """Title, explanation, and name of the metric that summarises the plot (empty: none)."""

    title: str
    text: str
    metric: str = ""


def captions() -> dict[str, Caption]:
    """The captions of all plots that training logs."""
    return {
        "roc": Caption(
            _("ROC curve"),
            _(
                "Sensitivity against false positive rate at every threshold, with its 95% band, beside chance and the "
                "LACE proxy. The higher above the diagonal, the better the order of the risks."
            ),
            "auroc",
        ),
        "precision_recall": Caption(
            _("Precision and recall"),
            _(
                "Precision against recall at every threshold, with its 95% band. The dotted line is chance, the "
                "prevalence."
            ),
            "average_precision",
        ),
        "calibration": Caption(
            _("Calibration"),
            _(
                "Observed rate against predicted risk, by deciles of the encounters; equal on the dotted line. "
                "Below: the number of encounters by risk."
            ),
            "ece",
        ),
        "distribution": Caption(
            _("Predicted risk by outcome"),
            _("Distribution of risk among those readmitted and those not. The less the two overlap, the better."),
        ),
        "decision_curve": Caption(
            _("Decision curve"),
            _(
                "Net benefit of acting on the risks, against the threshold for acting, beside acting for everybody, "
                "for nobody and by the LACE proxy. The highest line is the best strategy."
            ),
        ),
        "gains": Caption(
            _("Readmissions reached"),
            _(
                "Share of all readmissions among the encounters followed up, highest risk first, beside chance and the "
                "LACE proxy."
            ),
            "sensitivity_top_10",
        ),
        "missing_fields": Caption(
            _("Fields left unknown"),
            _(
                "AUROC and mean prediction as ever more fields are hidden at random. The mean should stay at the "
                "observed rate."
            ),
        ),
    }


def caption(name: str) -> Caption:
    """The caption of a plot; a general one for an unknown plot."""
    return captions().get(name) or Caption(escape(name), _("A plot logged by the training."))
