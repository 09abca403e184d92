"""The schema of ``golden.json``, and the replay of its requests."""

from typing import Annotated, Final

import numpy as np
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from ml.core.errors import BundleError
from ml.core.explain import Predictor
from ml.schema import INPUTS

TOLERANCE: Final = 1e-6
"""Largest accepted difference between a golden prediction and its replay."""

MOST_REQUESTS: Final = 1000

_COLUMNS: Final = {column.name: column for column in INPUTS}


def _valid(record: dict[str, str | int | None]) -> dict[str, str | int | None]:
    """A record as it reaches the model.

    Raises:
        ValueError: naming the field that is no input, or the value that its column does not allow.
    """
    for name, value in record.items():
        column = _COLUMNS.get(name)
        if column is None:
            raise ValueError(f"there is no input {name[:50]!r}")
        if value is not None and not column.accepts(value):
            raise ValueError(f"{name} is not {column.expectation}")
    return record


class _Request(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False, strict=True):
    record: Annotated[dict[str, str | int | None], AfterValidator(_valid)]
    probability: float = Field(ge=0, le=1)


class _Golden(BaseModel, frozen=True, extra="forbid"):
    requests: Annotated[list[_Request], Field(min_length=1, max_length=MOST_REQUESTS)]
    tolerance: float = TOLERANCE  # for readers; the tolerance of the platform counts


def replay(bundle: Predictor, golden: bytes) -> float:
    """Predict the requests of a golden file again; returns the largest absolute difference.

    Raises:
        BundleError: the golden requests are malformed, or the graph fails on one.
    """
    try:
        requests = _Golden.model_validate_json(golden).requests
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise BundleError(f"The golden requests cannot be read: {place}: {fault['msg']}.") from error
    expected = np.array([request.probability for request in requests], dtype=np.float64)
    try:
        predictions = bundle.predict([request.record for request in requests])
    except Exception as error:  # whatever the runtime raises on an untrusted graph
        raise BundleError(f"The graph fails on a golden request: {error}.") from error
    if predictions.shape != expected.shape:
        raise BundleError(f"The graph answers {len(expected)} golden requests with {predictions.size} values.")
    return float(np.max(np.abs(predictions - expected)))
