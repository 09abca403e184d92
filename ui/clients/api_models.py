"""Response models of the prediction API: the fields that the interface uses."""

from datetime import datetime
from typing import Final

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


class Prediction(ResponseModel):
    """``POST /predict?interval=true``: each list has one element per record."""

    predictions: tuple[float, ...] = Field(min_length=1)
    known_fields: tuple[int, ...] = Field(min_length=1)
    reliability: tuple[float, ...] = Field(min_length=1)
    intervals: tuple[tuple[float, float], ...] = Field(min_length=1)
    history: tuple[str, ...] = Field(min_length=1)
    outside_population: tuple[str | None, ...] = Field(min_length=1)
    warnings: tuple[RecordWarning, ...]
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
