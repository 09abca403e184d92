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
    roc = _("Sensitivity against false positive rate, with a 95% band, chance and the LACE proxy. Higher is better.")
    precision_recall = _("Precision against recall, with a 95% band. The dotted line is chance, the prevalence.")
    calibration = _("Observed rate against predicted risk, by deciles; equal on the dotted line. Below: encounters.")
    distribution = _("Distribution of risk of those readmitted and those not. The less the two overlap, the better.")
    decision_curve = _(
        "Net benefit by threshold: of the risks, the LACE proxy, everybody and nobody. Higher is better."
    )
    gains = _("Share of all readmissions among the encounters of highest risk, with chance and the LACE proxy.")
    missing = _("AUROC and mean prediction as more fields are hidden. The mean should stay at the observed rate.")
    return {
        "roc": Caption(_("ROC curve"), roc, "auroc"),
        "precision_recall": Caption(_("Precision and recall"), precision_recall, "average_precision"),
        "calibration": Caption(_("Calibration"), calibration, "ece"),
        "distribution": Caption(_("Predicted risk by outcome"), distribution),
        "decision_curve": Caption(_("Decision curve"), decision_curve),
        "gains": Caption(_("Readmissions reached"), gains, "sensitivity_top_10"),
        "missing_fields": Caption(_("Fields left unknown"), missing),
    }


def caption(name: str) -> Caption:
    """The caption of a plot; a general one for an unknown plot."""
    return captions().get(name) or Caption(escape(name), _("A plot logged by the training."))
