"""Reliability curve: estimates AUROC and the range of the answer as a function of how much of a record is known.

The range covers the prediction for the complete record in 90 % of cases. It is measured on a random half of the test
patients, and its coverage on the other half.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.isotonic import isotonic_regression

from ml.core.bundle import NUMBERS, TEXTS
from ml.core.reliability import EARLIER_STAYS, UNITS, ReliabilityCurve, Shifts
from ml.evaluation.metrics import Labels, Values, auroc, logits
from ml.features.masking import Mask, apply_mask, random_mask
from ml.features.tables import Inputs, model_inputs, patients, target
from ml.schema import INPUTS, UNKNOWN, Group

Predictor = Callable[[Inputs], Values]  # to probabilities, shape (rows,)

_STEPS: Final = 10
DEGREES: Final = tuple((1 - np.linspace(1, 0, _STEPS + 1) ** 2).tolist())
"""Degrees of information, 0 to 1. Information is a share of variance; the degrees are even steps of the remaining
standard deviation."""
COVERAGE: Final = 0.9
_WEIGHT_ROWS: Final = 1_500
_ROWS: Final = 20_000
_MASKS: Final = 4
_RISK_LEVELS: Final = 3
_MIN_ROWS: Final = 100
_SEED: Final = 296


def estimate_reliability(predict: Predictor, test: pd.DataFrame) -> ReliabilityCurve:
    """Measure a model at different degrees of information, on the test patients with history."""
    table = test.sample(min(_ROWS, len(test)), random_state=_SEED)
    inputs, labels, groups = model_inputs(table), target(table), patients(table)
    weights = _unit_weights(predict, inputs.rows(np.arange(min(_WEIGHT_ROWS, len(table)))))
    complete = logits(predict(inputs))
    variants = [apply_mask(inputs, mask) for mask in _masks(len(table))]
    predicted = np.concatenate([logits(predict(variant)) for variant in variants])
    known = np.concatenate([_known_units(variant) for variant in variants])
    information, with_history = known @ weights, known[:, UNITS.index(EARLIER_STAYS)] > 0
    shift = np.tile(complete, len(variants)) - predicted
    risk_edges = np.quantile(expit(complete), np.linspace(0, 1, _RISK_LEVELS + 1)[1:-1])
    level = np.searchsorted(risk_edges, expit(predicted))
    degree = (_STEPS * (1 - np.sqrt(np.clip(1 - information, 0, 1)))).round().astype(np.int64)
    ranking = _ranking(np.tile(labels, len(variants)), predicted, degree, with_history)
    masked = np.arange(len(shift)) < _MASKS * len(table)
    half, other = (masked & np.tile(part, len(variants)) for part in _halves(groups))
    low, high = _shift_quantiles(shift[half], level[half], degree[half], with_history[half])
    curve = ReliabilityCurve(
        weights=dict(zip(UNITS, weights.tolist(), strict=True)),
        information=DEGREES,
        auroc=(tuple(ranking[0].tolist()), tuple(ranking[1].tolist())),
        risk_edges=tuple(risk_edges.tolist()),
        low=_nested(low),
        high=_nested(high),
        coverage=COVERAGE,
    )
    ends, actual = curve.shifts(information[other], with_history[other], level[other]), shift[other]
    covered = (np.minimum(ends[0], 0) <= actual) & (actual <= np.maximum(ends[1], 0))
    return replace(curve, coverage=float(covered.mean()))


def _halves(groups: Labels) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Rows of two random halves of the patients, for any numbering; a single patient is in both."""
    numbers, patient = np.unique(groups, return_inverse=True)
    first = (np.random.default_rng(_SEED).permutation(len(numbers)) % 2 == 0)[patient]
    return first, first if len(numbers) == 1 else ~first


def _masks(rows: int) -> list[Mask]:
    """Random masks as in training, and the two ordinary cases: nothing hidden, and the history hidden."""
    nothing = np.zeros((rows, len(INPUTS)), dtype=bool)
    return [*(random_mask(rows, _SEED + draw) for draw in range(_MASKS)), nothing, _mask_of(EARLIER_STAYS, rows)]


def _mask_of(unit: str, rows: int) -> Mask:
    history = unit == EARLIER_STAYS
    hidden = [c.group is Group.HISTORY if history else c.name == unit for c in INPUTS]
    return np.tile(hidden, (rows, 1))


def _unit_weights(predict: Predictor, inputs: Inputs) -> Values:
    """Mean squared change of the logit when one unit is hidden, as a share of the sum; shape ``(len(UNITS),)``.

    The variance of the logits is what a calibrated model ranks by, and variances add up.
    """
    complete = logits(predict(inputs))
    hidden = (apply_mask(inputs, _mask_of(unit, len(inputs))) for unit in UNITS)
    change = [np.square(logits(predict(variant)) - complete).mean() for variant in hidden]
    total = float(np.sum(change))
    return np.array(change) / total if total else np.full(len(UNITS), 1 / len(UNITS))


def _known_units(inputs: Inputs) -> NDArray[np.float64]:
    """1 where a unit is known; shape ``(rows, len(UNITS))``."""
    known = {name: inputs.texts[:, column] != UNKNOWN for column, name in enumerate(TEXTS)}
    known |= {name: ~np.isnan(inputs.numbers[:, column]) for column, name in enumerate(NUMBERS)}
    return np.stack([known[unit] for unit in UNITS], axis=1).astype(np.float64)


def _cells(
    degree: NDArray[np.int64], with_history: NDArray[np.bool_], reach: int = 0
) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
    """Yield for each history (0 or 1) and degree a mask of its rows, and of those up to ``reach`` degrees away.

    A cell of too few rows has the rows of the nearest cell that has enough; none if no cell has enough.
    """
    degrees = np.arange(len(DEGREES))
    for history in (0, 1):
        same_history = with_history == bool(history)
        counts = np.bincount(degree[same_history], minlength=len(DEGREES))
        enough = [n for n in degrees if counts[np.abs(degrees - n) <= reach].sum() >= _MIN_ROWS]
        for center in degrees.tolist():
            nearest = min(enough, key=lambda n: abs(n - center), default=-len(DEGREES))
            yield history, center, same_history & (np.abs(degree - nearest) <= reach)


def _shift_quantiles(
    shift: Values, level: NDArray[np.int64], degree: NDArray[np.int64], with_history: NDArray[np.bool_]
) -> tuple[Values, Values]:
    """Quantiles of the shift to the logit of the complete record; each of shape ``(2, len(DEGREES), levels)``."""
    ends = np.array([(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    quantiles = np.zeros((2, 2, len(DEGREES), _RISK_LEVELS))
    for history, center, cell in _cells(degree, with_history):
        for part in range(_RISK_LEVELS):
            rows = cell & (level == part)
            chosen = rows if rows.sum() >= _MIN_ROWS else cell if cell.any() else slice(None)
            quantiles[:, history, center, part] = np.quantile(shift[chosen], ends)
    quantiles[:, 1, -1] = 0  # the record is complete
    return quantiles[0], quantiles[1]


def _ranking(labels: Labels, predicted: Values, degree: NDArray[np.int64], with_history: NDArray[np.bool_]) -> Values:
    """AUROC by history and degree, shape ``(2, len(DEGREES))``: at least 0.5, and not decreasing with the degree."""
    ranking = np.full((2, len(DEGREES)), 0.5)
    weights = np.ones_like(ranking)
    for history, center, rows in _cells(degree, with_history, reach=1):
        if rows.any():
            ranking[history, center] = np.nan_to_num(auroc(labels[rows], predicted[rows]), nan=0.5)
            weights[history, center] = rows.sum()
    ranking[0, 0] = 0.5  # nothing is known
    monotonic = [isotonic_regression(curve, sample_weight=w) for curve, w in zip(ranking, weights, strict=True)]
    bounded: Values = np.maximum(monotonic, 0.5)
    return bounded


def _nested(shifts: Values) -> Shifts:
    return tuple(tuple(tuple(row) for row in part) for part in shifts.tolist())
