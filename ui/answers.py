"""What the API and MLflow answer, as far as the interface reads it; fields it does not know are passed over."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

SYNTHETIC: Final = "synthetic"


class Answer(BaseModel):
    """Base of all answers: read-only, and tolerant of what a later version of the service adds."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class Interval(Answer):
    """A figure with its 95 % confidence interval."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class RegistryView(Answer):
    """What the API last saw in the registry."""

    reachable: bool
    version: str | None = None
    error: str | None = None


class Refusal(Answer):
    """A version the API would not serve, and why."""

    version: str
    reason: str


class ServedModel(Answer):
    """``GET /model``: the model that answers now, and the cohort it was measured on."""

    name: str
    version: str
    algorithm: str
    data_source: str
    data_version: str
    trained_at: datetime
    metrics: dict[str, Interval]
    prevalence: float
    risk_quantiles: tuple[float, ...] = Field(min_length=2)
    registry: RegistryView | None = None
    refused: Refusal | None = None


class ModelName(Answer):
    """Which model gave a prediction."""

    name: str
    version: str
    data_source: str


class Prediction(Answer):
    """``POST /predict``: one probability per record."""

    predictions: tuple[float, ...] = Field(min_length=1)
    model: ModelName
    request_id: str


class FieldFault(Answer):
    """One thing the API refused: where it stands, what it was and what would be right."""

    record: int | None = None
    field: str | None = None
    value: Any = None
    message: str
    allowed: tuple[str, ...] | None = None


class Problem(Answer):
    """What a service says of a failure: an RFC 9457 problem of the API, or MLflow's code and message."""

    title: str = ""
    detail: str = ""
    message: str = ""
    error_code: str = ""
    errors: tuple[FieldFault, ...] = ()


class Tag(Answer):
    """A tag of MLflow."""

    key: str
    value: str = ""


class RegisteredVersion(Answer):
    """The version an alias of the registry points to."""

    name: str
    version: str
    tags: tuple[Tag, ...] = ()

    def tag(self, key: str) -> str | None:
        """The value of a tag, or None."""
        return next((tag.value for tag in self.tags if tag.key == key), None)


class AliasAnswer(Answer):
    """``GET registered-models/alias`` of MLflow."""

    model_version: RegisteredVersion
