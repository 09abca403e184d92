"""Names that several services share."""

from typing import Final

MODEL_NAME: Final = "diabetes-readmission"
"""The registered model and the experiment of its runs."""

MONITORING_EXPERIMENT: Final = f"{MODEL_NAME}-monitoring"

PRODUCTION: Final = "production"
CHALLENGER: Final = "challenger"
"""Aliases: the served version, and the newest candidate."""
