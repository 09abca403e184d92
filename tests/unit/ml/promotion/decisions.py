"""Evidence and candidates that the gate promotes, to be changed one value at a time."""

from typing import Any

from ml.evaluation.bootstrap import Interval
from ml.promotion.evidence import Candidate, Decision, Evidence, Present, Subgroup
from ml.promotion.rules import MARGINS, decide

NOW = Present("data now", "code now")
RANKING = ("auroc", "average_precision")


def interval(value: float, half_width: float = 0.0) -> Interval:
    return {"value": value, "low": value - half_width, "high": value + half_width}


def version(number: str = "2", **more: Any) -> Candidate:
    return Candidate(number, **{"provenance": "real", "data_version": "data now", "code_version": "code now", **more})


INCUMBENT = version("1", data_version="data before", code_version="code before")
TWIN = version("1")


def evidence(**more: Any) -> Evidence:
    """Evidence of a calibrated candidate that equals the incumbent, with changes."""
    calibration = {"ece": 0.006, "calibration_intercept": 0.0, "calibration_slope": 1.0}
    found = {name: interval(value, 0.002) for name, value in calibration.items()}
    same = {name: interval(0.0, 0.002) for name in MARGINS}
    subgroups = more.pop("subgroups", (group(),))
    for name, figure in more.items():
        (same if name in same else found)[name] = figure
    return Evidence(20_000, 2_300, found, 0.019, same, subgroups)


def group(auroc: Interval | None = None, miscalibration: Interval | None = None) -> Subgroup:
    return Subgroup("age [80-90)", 3_270, 409, auroc or interval(0, 0.01), miscalibration or interval(0, 0.02))


def decision_on(
    figures: Evidence | None, incumbent: Candidate | None = INCUMBENT, candidate: Candidate | None = None
) -> Decision:
    return decide(candidate or version(), incumbent, figures, NOW)
