"""Acceptance limits of a model's quality, checked against the results of repeated splits.

A limit applies to the mean over seeds. For orientation: the best credible published result on these data is an AUROC
of 0.678 and an average precision of 0.224, with patient-disjoint splits over seven seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final

SERVED: Final = "served"  # the family that stands for the served model
ANY: Final = "any"


@dataclass(frozen=True, slots=True)
class Limit:
    """The range in which a metric must be."""

    section: str
    candidate: str  # a candidate or condition of the section, SERVED or ANY
    history: bool
    metric: str
    low: float = -inf
    high: float = inf

    def __str__(self) -> str:
        if self.low == -inf:
            return f"≤ {self.high:g}"
        return f"≥ {self.low:g}" if self.high == inf else f"{self.low:g} to {self.high:g}"

    def is_met(self, value: float) -> bool:
        """Whether a value is in the range; NaN is not."""
        return self.low <= value <= self.high

    def applies_to(self, summary: Mapping[str, Any], served: str) -> bool:
        """Whether a summary of the limit's section is to be checked."""
        name = summary.get("candidate") or summary["condition"]
        candidate = served if self.candidate == SERVED else self.candidate
        return candidate in (ANY, name) and bool(summary["history"] == self.history)


LIMITS: Final = (
    Limit("candidates", SERVED, True, "auroc", low=0.690),
    Limit("candidates", SERVED, True, "average_precision", low=0.243),
    Limit("candidates", SERVED, False, "auroc", low=0.682),
    Limit("candidates", SERVED, False, "average_precision", low=0.237),
    Limit("candidates", "random_forest", False, "auroc", low=0.678),
    *(Limit("candidates", SERVED, history, "ece", high=0.006) for history in (True, False)),
    *(Limit("candidates", SERVED, history, "calibration_slope", 0.95, 1.05) for history in (True, False)),
    Limit("missing_fields", ANY, False, "ece", high=0.008),
    Limit("missing_fields", "50 % of fields hidden", False, "auroc", low=0.624),
    Limit("control", "shuffled labels", True, "auroc", 0.49, 0.51),
)


def check_limits(served: str, sections: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Each limit that applies to a summary of its section, with mean, standard error, and whether it is met."""
    return [
        {
            "who": summary["name"],
            "history": limit.history,
            "metric": limit.metric,
            "wanted": str(limit),
            "mean": summary["mean"][limit.metric],
            "se": summary["se"][limit.metric],
            "met": limit.is_met(summary["mean"][limit.metric]),
        }
        for limit in LIMITS
        for summary in sections[limit.section]
        if limit.applies_to(summary, served)
    ]
