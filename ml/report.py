"""What people look at: ROC, precision-recall and calibration plots, and the model card of a version."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

from ml.bundle import Manifest
from ml.evaluate import CALIBRATION_BINS, Interval, Labels, Values
from ml.schema import CITATION
from ml.split import TEST_PERCENT

mpl.use("agg")


def plots(labels: Labels, probabilities: Values, metrics: Mapping[str, Interval]) -> dict[str, Figure]:
    """The three plots, by file name."""
    return {
        "roc.png": _roc(labels, probabilities, metrics["auroc"]),
        "precision_recall.png": _precision_recall(labels, probabilities, metrics["average_precision"]),
        "calibration.png": _calibration(labels, probabilities, metrics["ece"]),
    }


def with_interval(interval: Interval) -> str:
    """A figure as people write it: 0.669 (0.657 to 0.681)."""
    return f"{interval['value']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"


def model_card(manifest: Manifest, parameters: Mapping[str, Any], rows: Mapping[str, int]) -> str:
    """The model card of a version, in Markdown, from what its run recorded."""
    figures = "\n".join(f"| {name} | {with_interval(dict(value))} |" for name, value in manifest.metrics.items())
    settings = "\n".join(f"| {name} | {value} |" for name, value in parameters.items())
    warning = (
        "\n> **Trained on synthetic data.** It demonstrates the platform and says nothing of any patient.\n"
        if manifest.data_source == "synthetic"
        else ""
    )
    return f"""# Risk of readmission within 30 days: {manifest.algorithm}
{warning}
## Intended use

Estimates the probability that a patient with diabetes is readmitted to the same hospital network within 30 days
of discharge. For research and for the operation of this platform. Not a medical device, and not to be used for
the care of patients without local validation.

## Data

{rows["train"]:,} encounters to train on, {rows["test"]:,} to test on; data version `{manifest.data_version}`.
{CITATION} Discharges to hospice and deaths are excluded. Patients are split by a hash of their number
({TEST_PERCENT} % test): no patient is in both parts. Prevalence in training: {manifest.prevalence:.4f}.

## Performance on the test patients

95 % intervals by patient-cluster bootstrap.

| metric | value |
|---|---|
{figures}

## Settings

| parameter | value |
|---|---|
{settings}

## Limits

A field that a record leaves out is taken for its commonest value, a count for its mean: the fewer fields are known,
the closer the answer is to the average of the cohort, and the less it says of the patient.

The encounters are of 1999-2008 and of one network's hospitals in the United States; only returns to the same
network are seen, planned ones included, and deaths after discharge count as no readmission. Discrimination is
modest, as with all models on these data: most patients called high-risk do not return within 30 days.
"""


def _axes(title: str, x: str, y: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(5.5, 5), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    return figure, axes


def _roc(labels: Labels, probabilities: Values, auroc: Interval) -> Figure:
    figure, axes = _axes(f"ROC · AUROC {with_interval(auroc)}", "False positive rate", "True positive rate")
    false_positives, true_positives, _ = roc_curve(labels, probabilities)
    axes.plot(false_positives, true_positives)
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="chance")
    axes.legend()
    return figure


def _precision_recall(labels: Labels, probabilities: Values, precision: Interval) -> Figure:
    figure, axes = _axes(
        f"Precision and recall · AP {with_interval(precision)}", "Recall (sensitivity)", "Precision (PPV)"
    )
    values, recall, _ = precision_recall_curve(labels, probabilities)
    axes.plot(recall[:-1], values[:-1])
    axes.axhline(labels.mean(), linestyle=":", color="grey", label=f"prevalence {labels.mean():.3f}")
    axes.set_ylim(0, 0.8)
    axes.legend()
    return figure


def _calibration(labels: Labels, probabilities: Values, error: Interval) -> Figure:
    figure, axes = _axes(f"Calibration · ECE {with_interval(error)}", "Predicted risk", "Observed share")
    observed, predicted = calibration_curve(labels, probabilities, n_bins=CALIBRATION_BINS, strategy="quantile")
    top = max(float(observed.max()), float(predicted.max())) * 1.1
    axes.plot([0, top], [0, top], linestyle=":", color="grey", label="perfect")
    axes.plot(predicted, observed, marker="o", markersize=4)
    counts = axes.twinx()
    counts.hist(probabilities, bins=40, range=(0, top), alpha=0.2)
    counts.set_ylabel("Encounters")
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left")
    return figure
