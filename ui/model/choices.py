"""The choices of the Model page that its address holds: view, versions, kind of artifact, capacity and threshold.

The target of a rollback is not among them: an operator chooses it anew each time.
"""

from typing import Final

from ui.address.choices import Choices, real, switch, whole
from ui.thresholds.controls import HIGHEST, LOWEST, MOST

CHOICES: Final = Choices(
    "model",
    {
        "view": str,
        "artifacts-version": str,
        "artifacts-kind": str,
        "all-versions": switch,
        "thresholds-version": str,
        "thresholds-per-week": whole(1, MOST),
        "thresholds-by": str,
        "thresholds-capacity": whole(1, MOST),
        "thresholds-threshold": real(LOWEST, HIGHEST),
        "compare-first": str,
        "compare-second": str,
    },
)
"""A text that is not an option of its widget is replaced when the widget is drawn."""
