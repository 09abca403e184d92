"""The gate: whether a candidate becomes ``production``. A pure decision; the registry carries it out.

Candidate and incumbent are judged on the same test patients, in one run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ml.evaluate import Interval

BRIER_SLACK: Final = 1e-4
"""A Brier score this much higher still counts as not worse: a tenth of its bootstrap standard error."""


@dataclass(frozen=True, slots=True)
class Contender:
    """What the gate knows of a version."""

    version: str
    provenance: str  # real or synthetic
    data_version: str
    metrics: Mapping[str, Interval]  # on the test patients of this decision
    fault: str | None = None  # why its bundle does not load, golden requests included


@dataclass(frozen=True, slots=True)
class Decision:
    """Outcome of the gate, with its reason in one sentence."""

    promote: bool
    reason: str


def decide(candidate: Contender, incumbent: Contender | None) -> Decision:
    """Promote a sound candidate that ranks better than the incumbent and is calibrated no worse.

    The first sound version is promoted as it is; real data replaces synthetic data; never the other way round.
    """
    if candidate.fault is not None:
        return Decision(False, f"the bundle is not sound: {candidate.fault}")
    if incumbent is None:
        return Decision(True, "the first version")
    if candidate.provenance != incumbent.provenance:
        if candidate.provenance == "synthetic":
            return Decision(False, "it was trained on synthetic data and production on real data")
        return Decision(True, "it was trained on real data and production on synthetic data")
    if incumbent.fault is not None:
        return Decision(True, f"the present production version is not sound: {incumbent.fault}")
    return _compare(candidate.metrics, incumbent.metrics)


def _compare(candidate: Mapping[str, Interval], incumbent: Mapping[str, Interval]) -> Decision:
    auroc, held_auroc = candidate["auroc"]["value"], incumbent["auroc"]["value"]
    brier, held_brier = candidate["brier"]["value"], incumbent["brier"]["value"]
    if not auroc > held_auroc:
        return Decision(False, f"AUROC {auroc:.4f} is not better than {held_auroc:.4f}")
    if not brier <= held_brier + BRIER_SLACK:
        return Decision(False, f"Brier score {brier:.5f} is worse than {held_brier:.5f}")
    return Decision(True, f"AUROC {auroc:.4f} is better than {held_auroc:.4f}, Brier score {brier:.5f} not worse")
