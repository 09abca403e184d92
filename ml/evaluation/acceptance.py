"""The goals of quality, and whether a run of the protocol met them.

A goal is judged by the mean over seeds. The anchor on these data: the best credible public result is an AUROC of
0.678 and an average precision of 0.224, patient-disjoint, over seven seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

SERVED: Final = "served"
ANY: Final = "any"
_UNBOUNDED: Final = (float("-inf"), float("inf"))


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of one summary of a run, and the range it should be in.

    ``section`` and ``who`` lead to the summary; ``who`` may be :data:`SERVED`, the family that stands for the served
    model, or :data:`ANY`, each of the section.
    """

    section: str
    who: str
    history: bool
    metric: str
    low: float = _UNBOUNDED[0]
    high: float = _UNBOUNDED[1]

    @property
    def wanted(self) -> str:
        """The range as people write it."""
        if self.low == _UNBOUNDED[0]:
            return f"≤ {self.high:g}"
        return f"≥ {self.low:g}" if self.high == _UNBOUNDED[1] else f"{self.low:g} to {self.high:g}"

    def met_by(self, figure: float | None) -> bool:
        """Whether a figure is in the range; one that could not be had is not."""
        return figure is not None and self.low <= figure <= self.high


GOALS: Final = (
    Goal("candidates", SERVED, True, "auroc", low=0.690),
    Goal("candidates", SERVED, True, "average_precision", low=0.243),
    Goal("candidates", SERVED, False, "auroc", low=0.682),
    Goal("candidates", SERVED, False, "average_precision", low=0.237),
    Goal("candidates", "random_forest", False, "auroc", low=0.678),
    *(Goal("candidates", SERVED, history, "ece", high=0.006) for history in (True, False)),
    *(Goal("candidates", SERVED, history, "calibration_slope", 0.95, 1.05) for history in (True, False)),
    Goal("missing_fields", ANY, False, "ece", high=0.008),
    Goal("missing_fields", "50 % of fields hidden", False, "auroc", low=0.624),
    Goal("control", "shuffled labels", True, "auroc", 0.49, 0.51),
)


def judge_goals(served: str, found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Each goal that a run has a figure for, with that figure, its spread over seeds, and whether it was met.

    Args:
        served: the family that stands for the served model.
        found: summaries by section, as :func:`ml.evaluation.repeated_splits.summarised` makes them.
    """
    return [
        {
            "who": summary["name"],
            "history": goal.history,
            "metric": goal.metric,
            "wanted": goal.wanted,
            "mean": summary["mean"][goal.metric],
            "sd": summary["sd"][goal.metric],
            "met": goal.met_by(summary["mean"][goal.metric]),
        }
        for goal in GOALS
        for summary in found[goal.section]
        if _is_of(goal, summary, served)
    ]


def _is_of(goal: Goal, summary: Mapping[str, Any], served: str) -> bool:
    name = summary.get("candidate") or summary["condition"]
    chosen = goal.who in (ANY, name) or (goal.who == SERVED and name == served)
    return chosen and bool(summary["history"] == goal.history)
