"""Storage of a report in MLflow: logged to the run of its version, loaded for the page and the card."""

from typing import Final

from ml.core.errors import RegistryError
from ml.core.policies.threshold_table import FILE, ThresholdTable
from ml.registry.client import ModelVersion, Registry
from ml.report.card import card
from ml.report.findings import Findings, from_json, to_json
from ml.report.language import written_in
from ml.report.page import page
from ml.report.plots import plots
from ml.schema.translations import Language

FINDINGS_FILE: Final = "report.json"
PLOTS: Final = "plots"


def log_report(registry: Registry, run_id: str, findings: Findings) -> None:
    """Log page, card and plots in every language to a run, and last the findings: with them the report is complete."""
    for language in Language:
        registry.log_text(page(findings, language=language), language.file("report.html"), run_id)
        registry.log_text(card(findings, language=language), language.file("model_card.md"), run_id)
        with written_in(language):  # until the images are written: that is when the ticks get their notation
            for name, figure in plots(findings).items():
                registry.log_figure(run_id, figure, f"{language.folder(PLOTS)}/{name}")
    registry.log_text(to_json(findings), FINDINGS_FILE, run_id)


def has_report(registry: Registry, version: ModelVersion) -> bool:
    """Whether the report of a version is complete."""
    return registry.run_text(version.run_id, FINDINGS_FILE) is not None


def log_thresholds(registry: Registry, table: ThresholdTable) -> None:
    """Log the table behind the figures of any threshold to the active run."""
    registry.log_file(table.to_bytes(), FILE)


def load_findings(registry: Registry, number: str | None = None) -> tuple[ModelVersion, Findings]:
    """Load a version, by default production, with the findings of its run.

    Raises:
        BundleError: the findings were written by another version of this code.
        RegistryError: the version or its findings do not exist, or MLflow cannot be reached.
    """
    version = registry.version_or_production(number)
    text = registry.run_text(version.run_id, FINDINGS_FILE)
    if text is None:
        raise RegistryError(
            f"Version {version.number} has no report: its run has no {FINDINGS_FILE}. The task report of the DAG makes "
            "it; while the data are the same, so does another run of the DAG, or python -m ml train."
        ) from None
    return version, from_json(text)
