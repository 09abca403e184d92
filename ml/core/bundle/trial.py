"""The trial of a bundle: the whole way from a record to an answer, for every allowed value of every input.

It runs in the process of :mod:`ml.core.sandbox` only.
"""

import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ml.core.bundle.golden import TOLERANCE
from ml.core.bundle.model import CHUNK, Bundle
from ml.core.errors import BundleError
from ml.core.explain import explain
from ml.core.history import SOURCE_COLUMNS, history_of
from ml.core.reliability import known_fields
from ml.schema import EXAMPLE_RECORD, INPUTS, Column, Kind, Record

CALL_SECONDS: Final = 5.0
"""Most processor time of one call with :data:`CHUNK` records; our models need about 20 ms."""

_CODES: Final = ("38.9", *(str(n) for n in range(1, 1000)), *(f"V{n:02}" for n in range(1, 92)), "250.83", "E909")
_MANY: Final = 200
"""Of a count with more values, this many are tried, evenly spread and with both ends."""


def try_bundle(bundle: Bundle) -> None:
    """Predict, explain and qualify records as the service does.

    Raises:
        BundleError: a step fails, an answer is not a probability, or a call takes too long.
    """
    try:
        _try(bundle, list(trial_records()))
    except BundleError:
        raise
    except Exception as error:  # whatever an untrusted bundle makes the code raise
        raise BundleError(f"The answers fail: {type(error).__name__}: {str(error)[:500]}.") from error


def trial_records() -> Iterator[Record]:
    """Records in which every input takes every allowed value, once alone and once with all other fields known."""
    history = history_of([{name: EXAMPLE_RECORD[name] for name in SOURCE_COLUMNS}])
    complete: Record = {**EXAMPLE_RECORD, **history}
    yield {}
    yield EXAMPLE_RECORD
    yield complete
    for column in INPUTS:
        for value in _values(column):
            yield {column.name: value}
            yield {**complete, column.name: value}


def _values(column: Column) -> tuple[str | int, ...]:
    if column.kind is Kind.ICD9:
        return _CODES
    if column.kind is not Kind.COUNT:
        return column.allowed
    low, high = column.low or 0, column.high or 0
    return tuple(sorted({low + round(step * (high - low) / _MANY) for step in range(_MANY + 1)}))


def _try(bundle: Bundle, records: list[Record]) -> None:
    single = np.concatenate([_timed(bundle, [record]) for record in records[:3]])
    together = np.concatenate([_timed(bundle, records[i : i + CHUNK]) for i in range(0, len(records), CHUNK)])
    if not np.abs(single - together[:3]).max() <= TOLERANCE:
        raise BundleError("The answers fail: a prediction depends on the other records of its request.")
    curve = bundle.reliability_curve
    for record in records[:: len(records) // 100]:
        _check_share("expected AUROC", np.array([curve.expected_auroc(record)]))
        known_fields(record)
    _check_share("range", curve.ranges(records, together))
    for record in records[1:3]:
        explanation = explain(bundle, record)
        parts = [*explanation.contributions.values(), *explanation.errors.values(), explanation.base]
        if not np.isfinite(parts).all() or abs(explanation.remainder) > TOLERANCE:
            raise BundleError("The answers fail: an explanation does not add up to the prediction.")


def _timed(bundle: Bundle, records: list[Record]) -> NDArray[Any]:
    begun = time.process_time()
    probabilities = bundle.predict(records)
    if (spent := time.process_time() - begun) > CALL_SECONDS:
        raise BundleError(
            f"The answers fail: {len(records)} records take {spent:.0f} s, the limit is {CALL_SECONDS:g} s."
        )
    if probabilities.shape != (len(records),):
        raise BundleError(f"The answers fail: {len(records)} records have {probabilities.size} predictions.")
    _check_share("prediction", probabilities)
    return probabilities


def _check_share(name: str, values: NDArray[Any]) -> None:
    if not ((values >= 0) & (values <= 1)).all():  # also true for NaN
        wrong = values[~((values >= 0) & (values <= 1))][0]
        raise BundleError(f"The answers fail: a {name} is {wrong}, not between 0 and 1.")
