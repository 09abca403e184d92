"""Measuring, when a model is made, what its answers are worth to those who cannot tell it everything.

The range is measured on one half of the test patients and its coverage on the other. It says how far an answer
would move if everything were known; it says nothing of what no model can know.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.isotonic import isotonic_regression

from ml.core.bundle import NUMBERS, TEXTS
from ml.core.reliability import EARLIER_STAYS, UNITS, ReliabilityCurve, Shifts
from ml.evaluation.metrics import auroc
from ml.features.masking import Mask, apply_mask, random_mask
from ml.features.tables import Inputs, model_inputs, patients, target
from ml.schema import INPUTS, UNKNOWN, Group

Values = NDArray[np.float64]
Answers = Callable[[Inputs], Values]

_STEPS: Final = 10
DEGREES: Final = tuple((1 - np.linspace(1, 0, _STEPS + 1) ** 2).tolist())
"""Information is a share of variance: even steps of the standard deviation that is left, from nothing to everything."""
COVERAGE: Final = 0.9
_WEIGHING_ROWS: Final = 1_500
_ROWS: Final = 20_000
_DRAWS: Final = 4
_LEVELS: Final = 3
_FEWEST: Final = 100
_SEED: Final = 296


@dataclass(frozen=True, slots=True)
class Cells:
    """The degree of information nearest to each row, and whether its history is known; each of shape ``(n,)``."""

    degree: NDArray[np.int64]
    with_history: NDArray[np.bool_]

    def of(self, rows: NDArray[np.bool_]) -> "Cells":
        """Those of some rows."""
        return Cells(self.degree[rows], self.with_history[rows])

    def each(self, reach: int = 0) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
        """Every cell and its rows, with those up to `reach` degrees away.

        One of too few rows to measure takes the rows of the nearest that has enough; none where there are none.
        """
        numbers = np.arange(len(DEGREES))
        for history in (0, 1):
            part = self.with_history == bool(history)
            counts = np.bincount(self.degree[part], minlength=len(DEGREES))
            enough = [n for n in range(len(numbers)) if counts[np.abs(numbers - n) <= reach].sum() >= _FEWEST]
            for number in range(len(numbers)):
                nearest = min(enough, key=lambda n: abs(n - number), default=-len(DEGREES))
                yield history, number, part & (np.abs(self.degree - nearest) <= reach)


def estimate_reliability(answers: Answers, test: pd.DataFrame) -> ReliabilityCurve:
    """Measure a model at different degrees of knowledge.

    Args:
        answers: the model: inputs to probabilities, shape ``(rows,)``.
        test: encounters of the test patients with the columns of :data:`ml.schema.INPUTS`.
    """
    table = test.sample(min(_ROWS, len(test)), random_state=_SEED)
    inputs, labels, groups = model_inputs(table), target(table), patients(table)
    weights = _weights(answers, inputs.rows(np.arange(min(_WEIGHING_ROWS, len(table)))))
    complete = _logit(answers(inputs))
    variants = [apply_mask(inputs, mask) for mask in _ways_of_hiding(len(table))]
    logits = np.concatenate([_logit(answers(variant)) for variant in variants])
    known = np.concatenate([_known_units(variant) for variant in variants])
    information, with_history = known @ weights, known[:, UNITS.index(EARLIER_STAYS)] > 0
    shift = np.tile(complete, len(variants)) - logits
    risk_edges = np.quantile(1 / (1 + np.exp(-complete)), np.linspace(0, 1, _LEVELS + 1)[1:-1])
    level = np.searchsorted(risk_edges, 1 / (1 + np.exp(-logits)))
    step = (_STEPS * (1 - np.sqrt(np.clip(1 - information, 0, 1)))).round().astype(np.int64)
    cells = Cells(step, with_history)
    ranking = _ranking(np.tile(labels, len(variants)), logits, cells)
    drawn = np.arange(len(shift)) < _DRAWS * len(table)
    first_half = drawn & np.tile(groups % 2 == 0, len(variants))
    low, high = _shifts(shift[first_half], cells.of(first_half), level[first_half])
    found = ReliabilityCurve(
        weights=dict(zip(UNITS, weights.tolist(), strict=True)),
        information=DEGREES,
        auroc=(tuple(ranking[0].tolist()), tuple(ranking[1].tolist())),
        risk_edges=tuple(risk_edges.tolist()),
        low=_nested(low),
        high=_nested(high),
        coverage=COVERAGE,
    )
    others = drawn & ~first_half
    ends = found.shifts(information[others], with_history[others], level[others])
    inside = (np.minimum(ends[0], 0) <= shift[others]) & (shift[others] <= np.maximum(ends[1], 0))
    return replace(found, coverage=float(inside.mean()))


def _ways_of_hiding(rows: int) -> list[Mask]:
    """What the model practised on, and its two ordinary cases: everything known, and everything but the history."""
    nothing = np.zeros((rows, len(INPUTS)), dtype=bool)
    history = nothing | [column.group is Group.HISTORY for column in INPUTS]
    return [*(random_mask(rows, _SEED + draw) for draw in range(_DRAWS)), nothing, history]


def _weights(answers: Answers, inputs: Inputs) -> Values:
    """Mean squared change of the logit when a unit alone is hidden, as a share of all; shape ``(len(UNITS),)``.

    The spread of its logits is what lets a calibrated model rank, and variance is what adds up.
    """
    complete = _logit(answers(inputs))
    hidden = (apply_mask(inputs, _only(unit, len(inputs))) for unit in UNITS)
    change = [np.square(_logit(answers(variant)) - complete).mean() for variant in hidden]
    total = float(np.sum(change))
    return np.array(change) / total if total else np.full(len(UNITS), 1 / len(UNITS))


def _only(unit: str, rows: int) -> Mask:
    hidden = np.zeros((rows, len(INPUTS)), dtype=bool)
    history = unit == EARLIER_STAYS
    chosen = [n for n, c in enumerate(INPUTS) if (c.group is Group.HISTORY if history else c.name == unit)]
    hidden[:, chosen] = True
    return hidden


def _known_units(inputs: Inputs) -> NDArray[np.float64]:
    """1 where a unit is known; shape ``(rows, len(UNITS))``."""
    known = {name: inputs.texts[:, place] != UNKNOWN for place, name in enumerate(TEXTS)}
    known |= {name: ~np.isnan(inputs.numbers[:, place]) for place, name in enumerate(NUMBERS)}
    return np.stack([known[unit] for unit in UNITS], axis=1).astype(np.float64)


def _shifts(shift: Values, cells: Cells, level: NDArray[np.int64]) -> tuple[Values, Values]:
    """Quantiles of the way to the complete answer; each of shape ``(2, len(DEGREES), levels)``."""
    ends = np.array([(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    found = np.zeros((2, 2, len(DEGREES), _LEVELS))
    for history, number, nearest in cells.each():
        for part in range(_LEVELS):
            rows = nearest & (level == part)
            chosen = rows if rows.sum() >= _FEWEST else nearest if nearest.any() else slice(None)
            found[:, history, number, part] = np.quantile(shift[chosen], ends)
    found[:, 1, -1] = 0  # everything is known
    return found[0], found[1]


def _ranking(labels: NDArray[np.int64], logits: Values, cells: Cells) -> Values:
    """AUROC by history and degree; 0.5 at least, as when nothing is known, and never falling with the degree."""
    found = np.full((2, len(DEGREES)), 0.5)
    weights = np.ones_like(found)
    for history, number, rows in cells.each(reach=1):
        if rows.any():
            found[history, number] = np.nan_to_num(auroc(labels[rows], logits[rows]), nan=0.5)
            weights[history, number] = rows.sum()
    found[0, 0] = 0.5  # nothing is known
    rising = [isotonic_regression(curve, sample_weight=w) for curve, w in zip(found, weights, strict=True)]
    sound: Values = np.maximum(rising, 0.5)
    return sound


def _nested(shifts: Values) -> Shifts:
    return tuple(tuple(tuple(row) for row in part) for part in shifts.tolist())


def _logit(chance: Values) -> Values:
    bounded = np.clip(chance, 1e-7, 1 - 1e-7)
    logits: Values = np.log(bounded / (1 - bounded))
    return logits
