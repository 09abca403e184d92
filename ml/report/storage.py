"""Storage of a report in MLflow: logged by the training run, loaded for the page and the card."""

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


def log_report(registry: Registry, findings: Findings) -> None:
    """Log findings, and page, card and plots in every language, to the active run."""
    registry.log_text(to_json(findings), FINDINGS_FILE)
    for language in Language:
        registry.log_text(page(findings, language=language), language.file("report.html"))
        registry.log_text(card(findings, language=language), language.file("model_card.md"))
        with written_in(language):  # until the images are written: that is when the ticks get their notation
            for name, figure in plots(findings).items():
                registry.log_figure(figure, f"{language.folder(PLOTS)}/{name}")


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
            f"Version {version.number} has no report: its run has no {FINDINGS_FILE}; train a version with this code."
        ) from None
    return version, from_json(text)
