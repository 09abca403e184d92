"""The findings of a version in MLflow: written once by its run, read back for the page and the card."""

from typing import Final

from ml.core.errors import RegistryError
from ml.core.names import PRODUCTION
from ml.registry.client import ModelVersion, Registry
from ml.report.card import card
from ml.report.findings import Findings, from_json, to_json
from ml.report.page import page

FINDINGS_FILE: Final = "report.json"
PAGE_FILE: Final = "report.html"
CARD_FILE: Final = "model_card.md"


def record(registry: Registry, findings: Findings) -> None:
    """Keep the findings, the page and the card with the present run."""
    registry.log_text(to_json(findings), FINDINGS_FILE)
    registry.log_text(page(findings), PAGE_FILE)
    registry.log_text(card(findings), CARD_FILE)


def recorded(registry: Registry, number: str | None = None) -> tuple[ModelVersion, Findings]:
    """A version, by default production, and the findings of its run.

    Raises:
        BundleError: the findings are of another shape than this code's.
        RegistryError: there is no such version, its run kept no findings, or MLflow cannot be reached.
    """
    version = registry.version(number) if number else registry.version_by_alias(PRODUCTION)
    if version is None:
        raise RegistryError("There is no production model yet: run train_models_diabetes_simple.")
    text = registry.run_text(version.run_id, FINDINGS_FILE)
    if text is None:
        raise RegistryError(
            f"Version {version.number} has no report: its run kept no {FINDINGS_FILE}; train a version with this code."
        )
    return version, from_json(text)
