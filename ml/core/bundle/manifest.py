"""The schema of ``manifest.json``: everything that the service says of a version, and the shapes it computes with."""

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from ml.core.bundle.files import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE, read_limited
from ml.core.errors import BundleError
from ml.core.reliability import UNITS, ReliabilityCurve

QUANTILES: Final = 101
_MOST_GRID_POINTS: Final = 1000
_LARGEST_SHIFT: Final = 100.0
"""In logits; beyond it a probability is 0 or 1 in float64, and twice as much overflows nowhere."""
_RISK_EDGES: Final = 2
_ROUNDING: Final = 1e-6

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\x20-\x7e]+$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Interval = Annotated[dict[Literal["value", "low", "high"], float], Field(min_length=3)]
"""A metric and the ends of its 95 % interval."""


def _time(text: str) -> str:
    TypeAdapter(AwareDatetime).validate_python(datetime.fromisoformat(text))
    return text


def _not_falling(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(after < before for before, after in pairwise(values)):
        raise ValueError("the values must not fall")
    return values


def _consistent(curve: ReliabilityCurve) -> ReliabilityCurve:
    """Whether every computation of :mod:`ml.core.reliability` is defined, for any record.

    Raises:
        ValueError: naming the attribute and what it has to be.
    """
    points = len(curve.information)
    grid_rises = all(after > before for before, after in pairwise(curve.information))
    if not 2 <= points <= _MOST_GRID_POINTS or not grid_rises or curve.information[:: points - 1] != (0, 1):
        raise ValueError(f"information must be a rising grid of 2 to {_MOST_GRID_POINTS} points from 0 to 1")
    weights = curve.weights
    if set(weights) != set(UNITS) or min(weights.values()) < 0 or abs(sum(weights.values()) - 1) > _ROUNDING:
        raise ValueError(f"weights must be the shares of the {len(UNITS)} units of information and sum to 1")
    if any(len(part) != points for part in curve.auroc):
        raise ValueError(f"auroc must have two curves of {points} values")
    _not_falling(curve.risk_edges)
    shares = [curve.coverage, *curve.risk_edges, *curve.auroc[0], *curve.auroc[1]]
    if len(curve.risk_edges) != _RISK_EDGES or not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"{_RISK_EDGES} risk_edges, auroc and coverage must be from 0 to 1")
    for name, shifts in (("low", curve.low), ("high", curve.high)):
        if [[len(row) for row in part] for part in shifts] != [[_RISK_EDGES + 1] * points] * 2:
            raise ValueError(f"{name} must have the shape 2 x {points} x {_RISK_EDGES + 1}")
        if any(abs(shift) > _LARGEST_SHIFT for part in shifts for row in part for shift in row):
            raise ValueError(f"{name} must hold logits from -{_LARGEST_SHIFT:g} to {_LARGEST_SHIFT:g}")
    return curve


class Manifest(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """Content of ``manifest.json``; an alias is the key in the file where it differs from the attribute."""

    algorithm: Name
    provenance: Literal["real", "synthetic"] = Field(alias="data_source")
    data_version: Name
    trained_at: Annotated[Name, AfterValidator(_time)]  # ISO 8601, UTC
    prevalence: Share  # share of positives in the training data
    risk_quantiles: Annotated[
        tuple[Share, ...], Field(min_length=QUANTILES, max_length=QUANTILES), AfterValidator(_not_falling)
    ]  # 101 quantiles (0 %, 1 %, … 100 %) of risk among the test patients
    metrics: Annotated[dict[Name, Interval], Field(max_length=50)]
    reliability_curve: Annotated[ReliabilityCurve, AfterValidator(_consistent)] = Field(alias="completeness")
    texts: tuple[str, ...]  # columns of the graph's input ``texts``, in order
    numbers: tuple[str, ...]  # columns of the graph's input ``numbers``, in order
    files: dict[str, Sha256]  # file name -> SHA-256

    @classmethod
    def read(cls, directory: Path) -> "Manifest":
        """Read ``manifest.json``.

        Raises:
            BundleError: the file is missing, too large or malformed.
        """
        try:
            manifest = cls.model_validate_json(read_limited(directory / MANIFEST_FILE))
        except BundleError as error:
            raise BundleError(f"The manifest of the model cannot be read: {error}") from error
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, fault["loc"]))
            raise BundleError(f"The manifest of the model cannot be read: {place}: {fault['msg']}.") from error
        if wrong := {MODEL_FILE, GOLDEN_FILE} ^ set(manifest.files):
            raise BundleError(f"{min(wrong)[:50]} does not match its checksum in the manifest.")
        return manifest
