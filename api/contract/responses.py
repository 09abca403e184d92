"""Response models: what the service answers, as its document describes it."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from api.storage.feedback import STATUSES
from api.storage.patient_history import STATES

History = Literal["used", "unknown", "unavailable", "none"]
_HISTORY: Final = "; ".join(f"`{state}`: {meaning}" for state, meaning in STATES.items())


class ModelName(BaseModel):
    """The model version that gave an answer."""

    name: str = Field(examples=["diabetes-readmission"])
    version: str = Field(examples=["3"])
    data_source: str = Field(description="What it was trained on: real or synthetic data.", examples=["real"])


class PredictResponse(BaseModel):
    """Calibrated probabilities of readmission within 30 days, and how much they rest on; in the order of the records.

    All lists have one element per record.
    """

    predictions: list[float] = Field(examples=[[0.18]])
    known_fields: list[int] = Field(description="How many of the 47 features the record gave.", examples=[[3]])
    reliability: list[float] = Field(
        description="AUROC that the model had on test patients of whom it knew as much: 0.5 is a guess.",
        examples=[[0.561]],
    )
    history: list[History] = Field(description=f"What became of the patient's earlier stays. {_HISTORY}.")
    intervals: list[tuple[float, float]] | SkipJsonSchema[None] = Field(
        default=None,
        description="With `interval=true` only: where the answer would lie if all were known of the patient, for the "
        "share `interval_coverage` of GET /model. It says nothing of what no model can know.",
        examples=[[[0.11, 0.27]]],
    )
    model: ModelName
    request_id: str = Field(examples=["5f0c9d0a4a6e4d0f8d0d4f6f2d3f7a11"])


class Contribution(BaseModel):
    """What one given field adds to the risk."""

    field: str = Field(description="`earlier_stays` stands for the whole history of the patient.")
    label: str
    value: str | int
    contribution: float = Field(description="As probability; negative where the field lowers the risk.")
    standard_error: float = Field(description="Of the contribution, from a sample of orders; 0 where it is exact.")


class Explanation(BaseModel):
    """Where an answer comes from: `base`, all contributions and `remainder` add up to `probability`."""

    probability: float
    base: float = Field(description="The answer when nothing is known.")
    contributions: list[Contribution] = Field(description="Of every given field, the largest first.")
    remainder: float = Field(description="What the contributions do not account for.")
    known_fields: int
    reliability: float
    history: History


class ExplainResponse(BaseModel):
    """One explanation per record, in their order."""

    explanations: list[Explanation]
    model: ModelName
    request_id: str


class OutcomeResult(BaseModel):
    """What became of an outcome."""

    status: Literal["recorded", "unchanged", "corrected"] = Field(
        description="; ".join(f"`{status}`: {meaning}" for status, meaning in STATUSES.items()) + "."
    )
    predictions: int = Field(
        description="How many predictions in the log it is of: 0 also while one is on its way there; more than 1 where "
        "an encounter was scored more often, or a request id was used again."
    )


class FeedbackResponse(BaseModel):
    """One result per outcome, in their order."""

    outcomes: list[OutcomeResult]
    request_id: str


class Completeness(BaseModel):
    """What the model's answers are worth, by how much it is told."""

    weights: dict[str, float] = Field(description="Share of the information that a field holds; they add up to 1.")
    information: list[float] = Field(description="Degrees of information, 0 (nothing known) to 1.")
    auroc_without_history: list[float] = Field(description="`reliability` of an answer, at each of these degrees.")
    auroc_with_history: list[float] = Field(description="Likewise, where the patient's earlier stays are known.")


class Metric(BaseModel):
    """A figure on the test patients, with its 95 % interval."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class RegistryStatus(BaseModel):
    """What the last look at the registry found."""

    reachable: bool
    version: str | None = Field(description="The version that the alias production names.")
    checked_at: str | None = Field(description="When the registry last answered.")
    since: str | None = Field(description="Since when it has been reachable, or away.")
    error: str | None


class Refusal(BaseModel):
    """A production version that failed its checks; the model before it serves on."""

    version: str
    reason: str
    at: str


class ModelDescription(BaseModel):
    """The model that answers now."""

    name: str
    version: str
    algorithm: str
    data_source: str
    data_version: str
    trained_at: str
    metrics: dict[str, Metric]
    prevalence: float
    risk_quantiles: list[float] = Field(description="101 quantiles of risk among the test patients, 0 % to 100 %.")
    completeness: Completeness
    interval_coverage: float = Field(
        description="Share of test encounters whose answer from the complete record lay within the range of "
        "`?interval=true`, when some of its fields were hidden."
    )
    loaded_at: str
    registry: RegistryStatus
    refused: Refusal | None


class Status(BaseModel):
    """A word on how the service is."""

    status: str


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    record: int | None = Field(description="Index of the record, from 0.")
    line: int | None = Field(default=None, description="Of a file: number of the line, from 1.")
    field: str | None
    value: Any = Field(description="What was given, shortened.")
    message: str
    allowed: list[str | int] | None = None


class Problem(BaseModel):
    """What went wrong, by RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[Fault] = Field(default=[], description="The first faults of the request, with status 422.")
    error_count: int = Field(default=0, description="How many faults the request has, with status 422.")
