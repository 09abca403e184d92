"""Names that the services agree on."""

from typing import Final

MODEL_NAME: Final = "diabetes-readmission"
"""The registered model, and the experiment its runs are in."""

MONITORING_EXPERIMENT: Final = f"{MODEL_NAME}-monitoring"
"""The experiment of the reports on drift."""

PRODUCTION: Final = "production"
CHALLENGER: Final = "challenger"
"""The aliases: the version that is served, and the newest candidate for it."""
