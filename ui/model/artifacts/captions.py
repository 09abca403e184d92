"""The plots of training in words: what each shows, for those who cannot see it or have not seen its kind before."""

from ui.i18n.language import _
from ui.i18n.wording import escape


def title(name: str) -> str:
    """What a plot is called, by the name of its file."""
    titles = {
        "roc": _("ROC curve"),
        "precision_recall": _("Precision and recall"),
        "calibration": _("Calibration"),
        "distribution": _("Predicted risk by outcome"),
        "decision_curve": _("Decision curve"),
        "gains": _("Readmissions reached"),
        "missing_fields": _("Fields left unknown"),
    }
    return titles.get(name) or escape(name)


def said(name: str) -> str:
    """What a plot shows and how to read it."""
    texts = {
        "roc": _(
            "Sensitivity against false positive rate at every threshold, with its 95% band, beside chance and the LACE "
            "proxy. The higher above the diagonal, the better the order of the risks."
        ),
        "precision_recall": _(
            "Precision against recall at every threshold, with its 95% band. The dotted line is chance, the prevalence."
        ),
        "calibration": _(
            "Observed rate against predicted risk, by tenths of the encounters. On the dotted line the promised risk "
            "comes true. Below: how many encounters have which risk."
        ),
        "distribution": _(
            "Distribution of risk among those readmitted and those not. The less the two overlap, the better."
        ),
        "decision_curve": _(
            "Net benefit of acting on the risks, against the threshold for acting, beside acting for everybody, for "
            "nobody and by the LACE proxy. The highest line is the best thing to do."
        ),
        "gains": _(
            "Share of all readmissions among the encounters followed up, highest risk first, beside chance and the "
            "LACE proxy."
        ),
        "missing_fields": _(
            "AUROC and mean prediction as ever more fields are hidden at random. The mean should stay where the "
            "observed rate is."
        ),
    }
    return texts.get(name, _("A plot that the training kept."))


def metric_of(name: str) -> str:
    """The metric that sums a plot up; empty where none does."""
    return {
        "roc": "auroc",
        "precision_recall": "average_precision",
        "calibration": "ece",
        "gains": "sensitivity_top_10",
    }.get(name, "")
