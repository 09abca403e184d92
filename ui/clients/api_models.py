"""What the API answers, as far as the interface reads it; fields it does not know are passed over."""

from datetime import datetime
from typing import Final

from pydantic import Field

from ui.clients.errors import Answer

SYNTHETIC: Final = "synthetic"


class Interval(Answer):
    """A figure with its 95 % confidence interval."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class ReliabilityCurve(Answer):
    """What the model's answers are worth, by how much it is told."""

    weights: dict[str, float]
    information: tuple[float, ...]
    auroc_without_history: tuple[float, ...]
    auroc_with_history: tuple[float, ...]


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
    completeness: ReliabilityCurve
    interval_coverage: float
    registry: RegistryView | None = None
    refused: Refusal | None = None


class ModelName(Answer):
    """Which model gave a prediction."""

    name: str
    version: str
    data_source: str


class Prediction(Answer):
    """``POST /predict?interval=true``: all lists have one element per record."""

    predictions: tuple[float, ...] = Field(min_length=1)
    known_fields: tuple[int, ...] = Field(min_length=1)
    reliability: tuple[float, ...] = Field(min_length=1)
    intervals: tuple[tuple[float, float], ...] = Field(min_length=1)
    history: tuple[str, ...] = Field(min_length=1)
    model: ModelName
    request_id: str


class Contribution(Answer):
    """What one given field adds to the risk, as probability."""

    field: str
    value: str | int
    contribution: float
    standard_error: float = 0.0


class Explanation(Answer):
    """Where an answer comes from: ``base`` and all contributions add up to ``probability``."""

    probability: float
    base: float
    contributions: tuple[Contribution, ...]


class ExplainAnswer(Answer):
    """``POST /explain``: one explanation per record."""

    explanations: tuple[Explanation, ...] = Field(min_length=1)
    model: ModelName
