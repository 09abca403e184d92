"""Response models, as the OpenAPI document describes them, and the states of histories and outcomes."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from api.contract.field_errors import FieldError
from ml.core.history import HistoryState

HISTORY_STATES: Final[dict[HistoryState, str]] = {
    "used": "the patient's earlier stays were used; a known patient's first stay is a history too",
    "unknown": "the database has no encounter of the patient",
    "unavailable": "the database was unavailable or too slow",
    "none": "the record has no patient_nbr",
}
OutcomeStatus = Literal["recorded", "unchanged", "corrected"]
OUTCOME_STATUSES: Final[dict[OutcomeStatus, str]] = {
    "recorded": "the first outcome of the prediction",
    "unchanged": "the same outcome was recorded before",
    "corrected": "another outcome was recorded before, and is kept as history",
}


def _meanings(states: dict[Any, str]) -> str:
    return "; ".join(f"`{state}`: {meaning}" for state, meaning in states.items()) + "."


class ModelName(BaseModel):
    """The model version that made a prediction."""

    name: str = Field(examples=["diabetes-readmission"])
    version: str = Field(examples=["3"])
    data_source: str = Field(description="Training data: real or synthetic.", examples=["real"])


class RecordWarning(BaseModel):
    """Values of a record that are valid, but contradict one another or were not read as written."""

    record: int = Field(description="Index of the record, from 0.", examples=[0])
    field: str = Field(examples=["number_diagnoses"])
    message: str = Field(examples=["number_diagnoses is 1, but the record has 3 diagnoses"])


_OUTSIDE_POPULATION: Final = (
    "Reason why the model does not apply: the patient died or was discharged to hospice, so that a readmission is not "
    "possible. The model was fitted without such encounters; do not use the prediction. Null otherwise."
)


class ConvertedCode(BaseModel):
    """The ICD-9-CM code that an ICD-10-CM code was scored as."""

    given: str = Field(description="The ICD-10-CM code.", examples=["J44.9"])
    used: str | None = Field(description="Null if ICD-9-CM has no counterpart: the diagnosis counts as unknown.")
    choices: list[str] = Field(description="All counterparts in ICD-9-CM.", examples=[["496", "491.2", "493.2"]])


class PolicyInForce(BaseModel):
    """The threshold of risk from which encounters are flagged."""

    name: str = Field(examples=["Twenty calls a week"])
    threshold: float = Field(examples=[0.2])


class RecordedPolicyChange(BaseModel):
    """A change of the policy."""

    id: int
    changed_at: str
    policy: PolicyInForce | None = Field(description="Null: the policy was withdrawn.")
    actor: str
    reason: str
    model_version: str | None = Field(description="The version on whose figures the threshold was chosen.")


class PolicyState(BaseModel):
    """The policy in force."""

    policy: PolicyInForce | None
    changes: list[RecordedPolicyChange] | None = Field(
        description="The newest changes, the newest first; null while PostgreSQL is unavailable."
    )


class PredictResponse(BaseModel):
    """Calibrated probabilities of readmission within 30 days and their reliability.

    All lists have one element per record, in the order of the records.
    """

    predictions: list[float] = Field(examples=[[0.18]])
    known_fields: list[int] = Field(description="Number of the 47 features that the record has.", examples=[[3]])
    reliability: list[float] = Field(
        description="AUROC of the model on test patients of whom as much was known; 0.5 is no better than chance.",
        examples=[[0.561]],
    )
    history: list[HistoryState] = Field(
        description=f"Whether the patient's earlier stays were used. {_meanings(HISTORY_STATES)}"
    )
    outside_population: list[str | None] = Field(description=_OUTSIDE_POPULATION, examples=[[None]])
    warnings: list[RecordWarning] = Field(
        description="Values that contradict one another, of any of the records: the prediction uses them as they are. "
        "ICD-10-CM codes that have no counterpart in ICD-9-CM, or several.",
        examples=[[]],
    )
    intervals: list[Annotated[list[float], Field(min_length=2, max_length=2)]] | SkipJsonSchema[None] = Field(
        default=None,
        description="With `interval=true` only: the range of the prediction if all fields were known, with the "
        "coverage `interval_coverage` of GET /model. It does not include the uncertainty that no model can remove.",
        examples=[[[0.11, 0.27]]],
    )
    codes: list[dict[str, ConvertedCode]] | SkipJsonSchema[None] = Field(
        default=None,
        description="With `code_system` icd-10-cm only: for each record, the codes of its diagnoses by field.",
    )
    policy: PolicyInForce | None = Field(description="The policy in force; null if there is none.")
    flagged: list[bool | None] = Field(
        description="Whether the risk is at or above the threshold of the policy; null without a policy, and for a "
        "record outside the population.",
        examples=[[False]],
    )
    model: ModelName
    request_id: str = Field(examples=["5f0c9d0a4a6e4d0f8d0d4f6f2d3f7a11"])


class Contribution(BaseModel):
    """The contribution of one known field to the risk."""

    field: str = Field(description="`earlier_stays` stands for the whole history of the patient.")
    label: str
    value: str | int
    contribution: float = Field(description="As probability; negative if the field lowers the risk.")
    standard_error: float = Field(description="Of the contribution, from a sample of orders; 0 if it is exact.")


class Explanation(BaseModel):
    """A probability as a sum: `base`, all contributions and `remainder`."""

    probability: float
    base: float = Field(description="The prediction if no field is known.")
    contributions: list[Contribution] = Field(description="Of every known field, the largest first.")
    remainder: float = Field(description="Rounding error of the sum.")
    known_fields: int
    reliability: float
    history: HistoryState
    outside_population: str | None = Field(description=_OUTSIDE_POPULATION)
    warnings: list[RecordWarning]
    codes: dict[str, ConvertedCode] | SkipJsonSchema[None] = Field(
        default=None, description="With `code_system` icd-10-cm only: the codes of the diagnoses by field."
    )


class ExplainResponse(BaseModel):
    """One explanation per record, in the order of the records."""

    explanations: list[Explanation]
    model: ModelName
    request_id: str


class OutcomeResult(BaseModel):
    """The result of storing an outcome."""

    status: OutcomeStatus = Field(description=_meanings(OUTCOME_STATUSES))
    predictions: int = Field(
        description="Number of logged predictions that the outcome belongs to: 0 also while a prediction is still "
        "being logged; more than 1 if an encounter was scored repeatedly, or a request id was reused."
    )


class FeedbackResponse(BaseModel):
    """One result per outcome, in the order of the outcomes."""

    outcomes: list[OutcomeResult]
    request_id: str


class ReliabilityCurve(BaseModel):
    """Expected AUROC as a function of the information in a record."""

    weights: dict[str, float] = Field(description="Share of the information in each field; the sum is 1.")
    information: list[float] = Field(description="Shares of the information, 0 (nothing known) to 1.")
    auroc_without_history: list[float] = Field(description="`reliability` at each of these shares.")
    auroc_with_history: list[float] = Field(description="The same, if the patient's earlier stays are known.")


class Metric(BaseModel):
    """A metric on the test patients, with its 95 % confidence interval."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class RegistryStatus(BaseModel):
    """The result of the last poll of the model registry."""

    reachable: bool
    version: str | None = Field(description="The version with the alias production.")
    checked_at: str | None = Field(description="Time of the last successful poll.")
    since: str | None = Field(description="Time since which the registry has been reachable, or unreachable.")
    error: str | None


class ModelApproval(BaseModel):
    """The gate's approval of the served model, whose signature was verified."""

    approved_by: str
    approved_at: str
    action: str = Field(description="Action in the ledger: `promoted`, `rolled_back` or `adopted`.")
    sequence: int = Field(description="Id of the ledger's entry.")
    key_id: str = Field(description="The key that signed it: the first 16 hex digits of the public key's SHA-256.")
    moved_by_hand: bool = Field(
        description="Whether the gate approved another version later, so that the alias was moved by hand."
    )


class RejectedVersion(BaseModel):
    """A production version that failed its checks; the previous model stays in service."""

    version: str
    reason: str
    at: str


class Build(BaseModel):
    """Version and commit of the service."""

    version: str
    commit: str


class ModelDescription(BaseModel):
    """The served model."""

    name: str
    version: str
    algorithm: str
    data_source: str
    data_version: str
    trained_at: str
    metrics: dict[str, Metric]
    prevalence: float = Field(description="Share of the training encounters readmitted within 30 days.")
    risk_quantiles: list[float] = Field(description="101 quantiles of risk of the test encounters, 0 % to 100 %.")
    completeness: ReliabilityCurve
    interval_coverage: float = Field(
        description="Share of test encounters whose prediction from the complete record was within the range of "
        "`?interval=true` from a record with hidden fields."
    )
    loaded_at: str
    approval: ModelApproval
    registry: RegistryStatus
    refused: RejectedVersion | None
    build: Build


class Status(BaseModel):
    """The state of the service."""

    status: str


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldError] = Field(default=[], description="The first errors of the request, with status 422.")
    error_count: int = Field(default=0, description="Total number of errors, with status 422.")
