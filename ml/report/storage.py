"""Storage of a report in MLflow: logged by the training run, loaded for the page and the card."""

from typing import Final

from ml.core.errors import RegistryError
from ml.registry.client import ModelVersion, Registry
from ml.report.card import card
from ml.report.findings import Findings, from_json, to_json
from ml.report.page import page

FINDINGS_FILE: Final = "report.json"


def log_report(registry: Registry, findings: Findings) -> None:
    """Log findings, page and card to the active run."""
    registry.log_text(to_json(findings), FINDINGS_FILE)
    registry.log_text(page(findings), "report.html")
    registry.log_text(card(findings), "model_card.md")


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
