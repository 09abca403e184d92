"""Response models of the prediction API: the fields that the interface uses."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from ui.clients.errors import ResponseModel

SYNTHETIC: Final = "synthetic"
"""Provenance of models that were trained on generated data."""


class Interval(ResponseModel):
    """A metric with its 95 % confidence interval."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class ReliabilityCurve(ResponseModel):
    """Expected AUROC as a function of the share of information that a record holds."""

    weights: dict[str, float]
    information: tuple[float, ...]
    auroc_without_history: tuple[float, ...]
    auroc_with_history: tuple[float, ...]


class RegistryStatus(ResponseModel):
    """The registry when the API last polled it."""

    reachable: bool
    version: str | None = None


class RefusedVersion(ResponseModel):
    """A version that failed the checks of the API."""

    version: str
    reason: str


class Approval(ResponseModel):
    """The gate's approval of the served model, which the API verified."""

    approved_by: str
    approved_at: datetime
    key_id: str


class ServedModel(ResponseModel):
    """``GET /model``: the served model, its metrics on the test encounters, and quantiles of risk among them.

    ``prevalence`` is the share of the training encounters that were readmitted within 30 days.
    """

    name: str
    version: str
    algorithm: str
    provenance: str = Field(alias="data_source")
    data_version: str
    trained_at: datetime
    metrics: dict[str, Interval]
    prevalence: float
    risk_quantiles: tuple[float, ...] = Field(min_length=2)
    reliability_curve: ReliabilityCurve = Field(alias="completeness")
    interval_coverage: float
    approval: Approval | None = None
    registry: RegistryStatus | None = None
    refused: RefusedVersion | None = None


class ModelReference(ResponseModel):
    """The model that computed a response."""

    name: str
    version: str


class RecordWarning(ResponseModel):
    """Values of a record that contradict one another; ``field`` is one of them."""

    field: str
    message: str


class Policy(ResponseModel):
    """A threshold of risk from which encounters are flagged."""

    name: str
    threshold: float


class PolicyChange(ResponseModel):
    """A change of the policy; without a policy, a withdrawal."""

    changed_at: datetime
    policy: Policy | None = None
    actor: str
    reason: str
    model_version: str | None = None


class PolicyState(ResponseModel):
    """``GET /policy``: the policy in force and its changes, the newest first; None if they cannot be read."""

    policy: Policy | None = None
    changes: tuple[PolicyChange, ...] | None = None


class OutcomeResult(ResponseModel):
    """The result of storing one outcome, and the number of logged predictions that it belongs to."""

    status: str
    predictions: int


class FeedbackResponse(ResponseModel):
    """``POST /feedback``: one result per outcome."""

    outcomes: tuple[OutcomeResult, ...]


class ConvertedCode(ResponseModel):
    """The ICD-9-CM code that an ICD-10-CM code was scored as; None if it has no counterpart."""

    given: str
    used: str | None


class Prediction(ResponseModel):
    """``POST /predict?interval=true``: each list has one element per record."""

    predictions: tuple[float, ...] = Field(min_length=1)
    known_fields: tuple[int, ...] = Field(min_length=1)
    reliability: tuple[float, ...] = Field(min_length=1)
    intervals: tuple[tuple[float, float], ...] = Field(min_length=1)
    history: tuple[str, ...] = Field(min_length=1)
    outside_population: tuple[str | None, ...] = Field(min_length=1)
    warnings: tuple[RecordWarning, ...]
    policy: Policy | None = None
    flagged: tuple[bool | None, ...] = ()
    codes: tuple[dict[str, ConvertedCode], ...] = ()
    model: ModelReference
    request_id: str


class Contribution(ResponseModel):
    """Difference that one known field makes to the risk, as probability."""

    field: str
    value: str | int
    contribution: float
    standard_error: float = 0.0


class Explanation(ResponseModel):
    """Contributions to one risk: ``base`` and all contributions add up to ``probability``."""

    probability: float
    base: float
    contributions: tuple[Contribution, ...]
    outside_population: str | None = None


class ExplainResponse(ResponseModel):
    """``POST /explain``: one explanation per record."""

    explanations: tuple[Explanation, ...] = Field(min_length=1)
    model: ModelReference


class MonitoringRun(ResponseModel):
    """The newest run of monitor_diabetes."""

    finished_at: datetime
    predictions: int
    state: Literal["ok", "drift", "not_enough_data"]


class DriftResult(ResponseModel):
    """A drift test of that run."""

    kind: str
    feature: str
    state: Literal["ok", "drift", "not_enough_data"]
    distance: float | None = None
    threshold: float | None = None


class QualityResult(ResponseModel):
    """A metric of a version on known outcomes, or an estimate without them."""

    model_version: str
    subgroup: str
    metric: str
    estimated: bool
    value: float | None = None
    low: float | None = None
    high: float | None = None
    records: int
    coverage: float


class GateDecision(ResponseModel):
    """An entry of the ledger."""

    decided_at: datetime
    action: str
    version: str | None = None
    incumbent: str | None = None
    actor: str
    rule: str
    reason: str


class MonitoringResults(ResponseModel):
    """What PostgreSQL keeps of monitoring and of decisions of the gate, the newest first."""

    run: MonitoringRun | None = None
    drift: tuple[DriftResult, ...] = ()
    quality: tuple[QualityResult, ...] = ()
    decisions: tuple[GateDecision, ...] = ()
