"""What the gate decides on, and what it decides: plain values, without any service behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ml.evaluation.bootstrap import Interval


class Rule(StrEnum):
    """What settled a decision."""

    SOUNDNESS = "soundness"
    ORIGIN = "origin"
    CALIBRATION = "calibration"
    FIRST = "first"
    INCUMBENT = "incumbent"
    WORSE = "worse"
    SUBGROUP = "subgroup"
    BETTER = "better"
    NEW_DATA = "new_data"
    NEW_CODE = "new_code"
    NOTHING_NEW = "nothing_new"
    WITHDRAWN = "withdrawn"  # not judged: it was rolled back
    IN_PRODUCTION = "in_production"  # not judged: somebody put it there
    UNRECORDED = "unrecorded"  # decided before the rules were recorded


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the gate knows of a version besides its figures."""

    version: str
    provenance: str  # real or synthetic
    data_version: str
    code_version: str
    fault: str | None = None  # why its bundle does not load, golden requests included


@dataclass(frozen=True, slots=True)
class Present:
    """What a version would be made of if it were trained now."""

    data_version: str
    code_version: str


@dataclass(frozen=True, slots=True)
class Subgroup:
    """A part of the test patients that is large enough to be judged, and what would change for it."""

    name: str  # such as "age [70-80)"
    encounters: int
    positives: int
    auroc: Interval  # candidate minus incumbent
    miscalibration: Interval  # distance from calibration in the large, in logits, candidate minus incumbent


@dataclass(frozen=True, slots=True)
class Evidence:
    """Figures of a sound candidate on the test patients; beside a sound incumbent, also what would change."""

    encounters: int
    positives: int
    calibration: Mapping[str, Interval]  # ece, calibration_intercept, calibration_slope of the candidate
    ece_ceiling: float  # what a model just within the limit of the ECE may show on these rows by chance
    differences: Mapping[str, Interval]  # candidate minus incumbent, per metric of MARGINS
    subgroups: tuple[Subgroup, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Outcome of the gate, with its reason in one sentence and the rule that settled it."""

    promote: bool
    reason: str
    rule: Rule
