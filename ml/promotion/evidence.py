"""Input and outcome of the gate's decision, as plain values: candidates, evidence, decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ml.evaluation.bootstrap import Interval


class Rule(StrEnum):
    """The rule that settled a decision."""

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
    WITHDRAWN = "withdrawn"  # not evaluated: it was rolled back
    IN_PRODUCTION = "in_production"  # not evaluated: it is production already
    SUPERSEDED = "superseded"  # not evaluated: another version replaced it
    RESTORED = "restored"  # not evaluated: alias or approval of the version in production were changed by hand
    UNRECORDED = "unrecorded"  # decided before rules were recorded


@dataclass(frozen=True, slots=True)
class Candidate:
    """Origin of a version, and why its bundle cannot be used, if so."""

    version: str
    provenance: str  # real or synthetic
    data_version: str
    code_version: str
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Present:
    """The origin that a version would have if it were trained now."""

    data_version: str
    code_version: str


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Change for a subgroup of the test patients, candidate minus incumbent."""

    name: str  # such as "age [70-80)"
    encounters: int
    positives: int
    auroc: Interval
    miscalibration: Interval  # of the distance from calibration in the large, in logits


@dataclass(frozen=True, slots=True)
class Evidence:
    """Metrics of a candidate on the test patients; with differences if there is an incumbent to compare with."""

    encounters: int
    positives: int
    calibration: Mapping[str, Interval]  # ece, calibration_intercept, calibration_slope of the candidate
    ece_ceiling: float  # largest ECE on these rows, by chance, of a model just within the limit
    differences: Mapping[str, Interval]  # candidate minus incumbent, for each metric of MARGINS
    subgroups: tuple[Subgroup, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Outcome of the gate, with its reason in one sentence and the rule that settled it."""

    promote: bool
    reason: str
    rule: Rule
