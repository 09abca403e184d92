"""What each known field of a record adds to its risk, or takes from it. Light: numpy, the bundle and the schema.

The model answers for any part of a record with the risk of patients of whom just this is known: it has practised on
records with fields hidden, and is calibrated for them. So the fields can be told to it one after another, and the
answer moves from the risk when nothing is known to the risk of the record. How far a field moves it depends on what
was told before, as fields that go together share what they say; its contribution is its mean step over many orders,
the Shapley value. No record is ever asked about that mixes the values of two patients.

What is known of earlier stays is told as one: that is how it is known, and how the model has practised.
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
"""Twice as many take twice the time, and three tenths off the sampling error; see decision record 10."""
EXACT: Final = 6
"""Up to so many parts every order is taken: 64 different questions at most, about what a sample would ask."""

Ids = NDArray[np.int64]
Values = NDArray[np.float64]


class Predictor(Protocol):
    """What is explained: a bundle, or anything else that answers for records that tell less."""

    def predict(self, records: Sequence[Record], /) -> NDArray[Any]:
        """One answer for each record, shape ``(len(records),)``."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A probability as a sum: ``base`` + all ``contributions`` + ``remainder``.

    Attributes:
        probability: of readmission within 30 days, 0 to 1.
        base: the same when nothing is known.
        contributions: known field to what it adds to the probability, largest in size first; everything known of
            earlier stays goes by the name ``earlier_stays``.
        errors: standard error of each contribution, from taking a sample of the orders; 0 where all were taken.
        remainder: what the sum leaves over; rounding, below 1e-9.
    """

    probability: float
    base: float
    contributions: Mapping[str, float]
    errors: Mapping[str, float]
    remainder: float


def explain(bundle: Predictor, record: Record, orders: int = ORDERS, seed: int = 0) -> Explanation:
    """Split the answer for a record into the contributions of its known fields.

    Orders come in pairs, each with its reverse: a field told early in one is told late in the other. They are drawn
    from the names of the known fields, so that the same record always has the same explanation, and two records that
    differ in values alone are compared over the same orders.

    Args:
        bundle: is asked once, for all parts of the record together.
        record: as in :meth:`ml.core.bundle.Bundle.predict`.
        orders: how many orders to take where there are too many to take all; even, at least 4.
        seed: another number draws other orders.

    Raises:
        ValueError: ``orders`` is odd or below 4.
    """
    if orders < 4 or orders % 2:
        raise ValueError(f"orders must be an even number from 4, not {orders}")
    parts = _parts(record)
    chosen = _orders(parts, orders, seed)
    told = np.zeros((len(chosen), len(parts) + 1), dtype=np.int64)  # the parts told after each step, as bits
    np.cumsum(np.int64(1) << chosen, axis=1, out=told[:, 1:])
    questions, place = np.unique(told, return_inverse=True)
    answers = np.asarray(bundle.predict(_reduced(record, parts, questions)), dtype=np.float64)
    steps = np.empty(chosen.shape)
    np.put_along_axis(steps, chosen, np.diff(answers[place].reshape(told.shape), axis=1), axis=1)
    return _explanation(parts, answers[0], answers[-1], steps)


def _parts(record: Record) -> tuple[str, ...]:
    """What is known of a record, in the order of the schema."""
    fields = tuple(name for name in FEATURE_NAMES if record.get(name) is not None)
    has_history = any(record.get(name) is not None for name in HISTORY_NAMES)
    return (*fields, EARLIER_STAYS) if has_history else fields


def _orders(parts: tuple[str, ...], count: int, seed: int) -> Ids:
    """Orders of the parts, shape ``(orders, len(parts))``: all of them, or a sample whose second half is reversed."""
    if len(parts) <= EXACT:
        return np.array(list(permutations(range(len(parts)))), dtype=np.int64)
    digest = hashlib.sha256(f"{seed} {' '.join(parts)}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(digest[:8]))
    drawn = np.array([generator.permutation(len(parts)) for _ in range(count // 2)])
    return np.concatenate([drawn, drawn[:, ::-1]])


def _reduced(record: Record, parts: tuple[str, ...], questions: Ids) -> list[Record]:
    """The record with some of its parts only, for each question."""
    part_of = {**{name: number for number, name in enumerate(parts)}, **dict.fromkeys(HISTORY_NAMES, len(parts) - 1)}
    items = [(name, value) for name, value in record.items() if value is not None and name in part_of]
    bits = np.array([part_of[name] for name, _ in items], dtype=np.int64)
    known = (questions[:, None] >> bits & 1).astype(np.bool_)
    return [dict(compress(items, row)) for row in known.tolist()]


def _explanation(parts: tuple[str, ...], base: float, probability: float, steps: Values) -> Explanation:
    contributions = steps.mean(axis=0)
    errors = np.zeros(len(parts))
    if len(parts) > EXACT:
        pairs = steps.reshape(2, -1, len(parts)).mean(axis=0)  # an order and its reverse are one observation
        errors = pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))
    largest_first = np.argsort(-np.abs(contributions), kind="stable")
    return Explanation(
        float(probability),
        float(base),
        {parts[number]: float(contributions[number]) for number in largest_first},
        {parts[number]: float(errors[number]) for number in largest_first},
        float(probability - base - contributions.sum()),
    )
