"""Explains a prediction: the Shapley value of each known field of a record.

The model is calibrated for records with any subset of fields, because it is trained on masked records. Adding the
known fields one after another moves the prediction from the base risk (nothing known) to the risk of the record. The
step of a field depends on the fields added before it; its contribution is the mean step over many permutations. No
record mixes values of two patients. The history is one field, because it is known or unknown as a whole.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, permutations
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ml.core.reliability import EARLIER_STAYS
from ml.schema import FEATURE_NAMES, HISTORY_NAMES, Record

ORDERS: Final = 16
"""Permutations to sample. Twice as many double the time and cut the sampling error by 30 %; see decision record 10."""
EXACT: Final = 6
"""With at most this many fields all permutations are used: at most 64 distinct subsets, as many as a sample needs."""

Ids = NDArray[np.int64]
Values = NDArray[np.float64]


class Predictor(Protocol):
    """A bundle, or any other model that accepts incomplete records."""

    def predict(self, records: Sequence[Record], /) -> NDArray[Any]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Explanation:
    """A probability as a sum: ``base`` + all ``contributions`` + ``remainder``.

    Attributes:
        probability: of readmission within 30 days, 0 to 1.
        base: the probability with no field known.
        contributions: known field -> change of the probability, largest magnitude first; the history is
            ``earlier_stays``.
        errors: standard error of each contribution by sampling permutations; 0 if all were used.
        remainder: rounding error, below 1e-9.
    """

    probability: float
    base: float
    contributions: Mapping[str, float]
    errors: Mapping[str, float]
    remainder: float


def explain(bundle: Predictor, record: Record, orders: int = ORDERS, seed: int = 0) -> Explanation:
    """Split a prediction into the contributions of the known fields.

    Permutations are sampled in pairs, each with its reverse, which reduces variance. The random stream depends on the
    names of the known fields only: the same record has the same explanation, and records that differ in values only
    use the same permutations.

    Args:
        bundle: called once, with all subsets of the record.
        record: as in :meth:`ml.core.bundle.Bundle.predict`.
        orders: number of permutations if there are too many to use all; even, at least 4.
        seed: of the random stream.

    Raises:
        ValueError: ``orders`` is odd or below 4.
    """
    if orders < 4 or orders % 2:
        raise ValueError(f"orders must be an even number from 4, not {orders}")
    fields = _known(record)
    drawn = _permutations(fields, orders, seed)
    subsets = np.zeros((len(drawn), len(fields) + 1), dtype=np.int64)  # fields known after each step, as bits
    np.cumsum(np.int64(1) << drawn, axis=1, out=subsets[:, 1:])
    distinct, index = np.unique(subsets, return_inverse=True)
    predictions = np.asarray(bundle.predict(_restrict(record, fields, distinct)), dtype=np.float64)
    steps = np.empty(drawn.shape)
    np.put_along_axis(steps, drawn, np.diff(predictions[index].reshape(subsets.shape), axis=1), axis=1)
    return _summarise(fields, predictions[0], predictions[-1], steps)


def _known(record: Record) -> tuple[str, ...]:
    fields = tuple(name for name in FEATURE_NAMES if record.get(name) is not None)
    has_history = any(record.get(name) is not None for name in HISTORY_NAMES)
    return (*fields, EARLIER_STAYS) if has_history else fields


def _permutations(fields: tuple[str, ...], count: int, seed: int) -> Ids:
    """Permutations, shape ``(count, len(fields))``: all, or a sample whose second half is the first reversed."""
    if len(fields) <= EXACT:
        return np.array(list(permutations(range(len(fields)))), dtype=np.int64)
    digest = hashlib.sha256(f"{seed} {' '.join(fields)}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(digest[:8]))
    drawn = np.array([generator.permutation(len(fields)) for _ in range(count // 2)])
    return np.concatenate([drawn, drawn[:, ::-1]])


def _restrict(record: Record, fields: tuple[str, ...], subsets: Ids) -> list[Record]:
    bit_of = {**{name: bit for bit, name in enumerate(fields)}, **dict.fromkeys(HISTORY_NAMES, len(fields) - 1)}
    items = [(name, value) for name, value in record.items() if value is not None and name in bit_of]
    bits = np.array([bit_of[name] for name, _ in items], dtype=np.int64)
    known = (subsets[:, None] >> bits & 1).astype(np.bool_)
    return [dict(compress(items, row)) for row in known.tolist()]


def _summarise(fields: tuple[str, ...], base: float, probability: float, steps: Values) -> Explanation:
    contributions = steps.mean(axis=0)
    errors = np.zeros(len(fields))
    if len(fields) > EXACT:
        pairs = steps.reshape(2, -1, len(fields)).mean(axis=0)  # a permutation and its reverse are one observation
        errors = pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))
    largest_first = np.argsort(-np.abs(contributions), kind="stable")
    return Explanation(
        float(probability),
        float(base),
        {fields[number]: float(contributions[number]) for number in largest_first},
        {fields[number]: float(errors[number]) for number in largest_first},
        float(probability - base - contributions.sum()),
    )
