"""Response models of GET /monitoring: results of monitoring runs and decisions of the gate, from PostgreSQL."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

State = Literal["ok", "drift", "not_enough_data"]


class MonitoringRun(BaseModel):
    """The newest run of `monitor_diabetes`."""

    finished_at: datetime
    model_version: str = Field(description="In production at the run; its training data are the reference.")
    window_start: datetime
    window_end: datetime
    predictions: int = Field(description="In the window, without load tests.")
    state: State


class DriftResult(BaseModel):
    """A drift test of that run."""

    kind: Literal["value", "known", "score"] = Field(
        description="Tested on known values, on whether a value is known, or on the predicted risks."
    )
    feature: str = Field(description="A field, or `probability`.", examples=["race"])
    state: State
    records: int
    distance: float | None = Field(description="Jensen-Shannon distance from the reference, 0 to 1.")
    threshold: float | None = Field(description="Smallest distance that counts as drift.")


class QualityResult(BaseModel):
    """A metric of a version on matured outcomes, with its 95 % interval, or an estimate without outcomes."""

    model_version: str
    subgroup: str = Field(description="`all`, or such as `gender=Female`.", examples=["all"])
    metric: str = Field(examples=["auroc"])
    estimated: bool = Field(description="Estimated from the probabilities alone.")
    value: float | None
    low: float | None
    high: float | None
    records: int
    coverage: float = Field(description="Share of the mature predictions whose outcome is known.")


class GateDecision(BaseModel):
    """An entry of the ledger: a decision about the version in production."""

    decided_at: datetime
    action: Literal["promoted", "refused", "rolled_back", "alias_moved_by_hand"]
    version: str | None
    incumbent: str | None = Field(description="In production before.")
    actor: str
    rule: str
    reason: str
    completed_at: datetime | None = Field(description="Null: interrupted.")


class MonitoringResults(BaseModel):
    """What the newest runs and decisions found. A platform without a monitoring run has an empty answer."""

    run: MonitoringRun | None
    drift: list[DriftResult]
    quality: list[QualityResult]
    decisions: list[GateDecision] = Field(description="The newest first, at most 50.")
