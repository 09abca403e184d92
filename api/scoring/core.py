"""Scores validated records: predictions, their reliability and their ranges."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from api.contract.conversions import converted_codes
from api.contract.record_columns import RecordColumns
from api.scoring.batch_inputs import BatchInputs, look_up_batch
from api.scoring.model_inputs import ModelInputs
from api.scoring.record_checks import RecordWarning
from api.storage.patient_history import PatientHistory
from ml.core.bundle import CHUNK, Bundle
from ml.core.history import HistoryState
from ml.core.policies.policy import Policy
from ml.core.reliability import ReliabilityCurve, known_fields
from ml.schema import Record

INLINE_BYTES: Final = 16 * 1024
INLINE_RECORDS: Final = 64
"""Bodies up to both limits are scored in the event loop, in at most a few milliseconds; larger ones in a thread."""

LARGE_BYTES: Final = 256 * 1024
"""Bodies above this size go to the worker process; see :mod:`api.scoring.large_batches`."""


class Predictions(NamedTuple):
    """Predictions for model inputs, in their order; ``reliability`` is the expected AUROC, to three digits."""

    probabilities: NDArray[np.float32]
    known_fields: list[int]
    reliability: list[float]

    def slice(self, start: int, end: int) -> "Predictions":
        """The predictions for some of the records."""
        part = slice(start, end)
        return Predictions(self.probabilities[part], self.known_fields[part], self.reliability[part])


class ScoredRecords(NamedTuple):
    """Records as validated (with identifiers, without history) and their predictions, all of length n.

    ``intervals`` holds the ends of each range, shape ``(n, 2)``; None unless requested. ``outside_population`` has the
    reason for each record that the model does not apply to; ``warnings`` has any number of them.
    """

    records: Sequence[Record]
    probabilities: NDArray[np.float32]
    known_fields: list[int]
    reliability: list[float]
    history: list[HistoryState]
    intervals: NDArray[np.float32] | None
    outside_population: list[str | None]
    warnings: list[RecordWarning]


def is_small(body: bytes) -> bool:
    """Whether a JSON body is scored in the event loop; the number of braces bounds the number of records."""
    return len(body) <= INLINE_BYTES and body.count(b"{") <= INLINE_RECORDS + 1


def score(columns: RecordColumns, bundle: Bundle, patient_history: PatientHistory, interval: bool) -> ScoredRecords:
    """Score a batch, in a thread that may wait; :class:`MicroBatcher` scores a few records in the event loop."""
    inputs = look_up_batch(columns, patient_history)
    chunks = [bundle.run(inputs.encode(start, start + CHUNK)) for start in range(0, len(columns), CHUNK)]
    return combine_batch(columns.records, inputs, np.concatenate(chunks), bundle.reliability_curve, interval)


def combine_batch(
    records: Sequence[Record],
    inputs: BatchInputs,
    probabilities: NDArray[np.float32],
    curve: ReliabilityCurve,
    interval: bool,
) -> ScoredRecords:
    """The records of a batch with their predictions, their reliability and, if requested, their ranges."""
    information = curve.information_of_batch(inputs.is_known)
    reliability = np.round(curve.expected_aurocs(information, inputs.has_history), 3).tolist()
    intervals = None
    if interval:
        intervals = curve.ranges_of(information, inputs.has_history, probabilities).astype(np.float32)
    return ScoredRecords(
        records,
        probabilities,
        inputs.known_fields,
        reliability,
        inputs.history,
        intervals,
        inputs.outside_population,
        inputs.warnings,
    )


def predict(inputs: Sequence[Record], bundle: Bundle) -> Predictions:
    """Predictions for a few model inputs."""
    return with_reliability(bundle.predict(inputs), inputs, bundle.reliability_curve)


def with_reliability(
    probabilities: NDArray[np.float32], inputs: Sequence[Record], reliability_curve: ReliabilityCurve
) -> Predictions:
    """Add to probabilities how much they rest on."""
    reliability = [round(reliability_curve.expected_auroc(record), 3) for record in inputs]
    return Predictions(probabilities, [known_fields(record) for record in inputs], reliability)


def combine(
    records: Sequence[Record],
    inputs: ModelInputs,
    predictions: Predictions,
    reliability_curve: ReliabilityCurve,
    interval: bool,
) -> ScoredRecords:
    """A few records with their predictions and, if requested, ranges."""
    probabilities = predictions.probabilities
    intervals = reliability_curve.ranges(inputs.records, probabilities).astype(np.float32) if interval else None
    return ScoredRecords(records, *predictions, inputs.history, intervals, inputs.outside_population, inputs.warnings)


def flags(scored: ScoredRecords, policy: Policy | None) -> list[bool | None]:
    """Whether the policy flags each record; None without a policy, and outside the population."""
    if policy is None:
        return [None] * len(scored.records)
    return policy.flags(scored.probabilities, scored.outside_population)


def to_json(scored: ScoredRecords, model: orjson.Fragment, request_id: str, policy: Policy | None) -> bytes:
    """The body of a response; see :class:`api.contract.responses.PredictResponse`."""
    document: dict[str, Any] = {
        "predictions": scored.probabilities,
        "known_fields": scored.known_fields,
        "reliability": scored.reliability,
        "history": scored.history,
        "outside_population": scored.outside_population,
        "warnings": [warning._asdict() for warning in scored.warnings],
        "policy": policy and {"name": policy.name, "threshold": policy.threshold},
        "flagged": flags(scored, policy),
        "model": model,
        "request_id": request_id,
    }
    if scored.intervals is not None:
        document["intervals"] = np.ascontiguousarray(scored.intervals)
    if (codes := converted_codes(scored.records)) is not None:
        document["codes"] = codes
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
