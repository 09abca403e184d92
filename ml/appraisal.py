"""Measuring, when a model is made, what its answers are worth to those who cannot tell it everything.

The range is measured on one half of the test patients and its coverage on the other. It says how far an answer
would move if everything were known; it says nothing of what no model can know.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.bundle import NUMBERS, TEXTS
from ml.completeness import EARLIER_STAYS, UNITS, Completeness
from ml.features import Inputs, model_inputs, patients, target
from ml.masking import Hidden, hide, random_hidden
from ml.metrics import auroc
from ml.schema import INPUTS, UNKNOWN, Group

Values = NDArray[np.float64]
Answers = Callable[[Inputs], Values]

DEGREES: Final = tuple(np.linspace(0, 1, 11).tolist())
COVERAGE: Final = 0.9
_WEIGHING_ROWS: Final = 1_500
_ROWS: Final = 8_000
_DRAWS: Final = 6
_LEVELS: Final = 3
_FEWEST: Final = 100
_SEED: Final = 296


def appraise(answers: Answers, test: pd.DataFrame) -> Completeness:
    """Measure a model at different degrees of knowledge.

    Args:
        answers: the model: inputs to probabilities, shape ``(rows,)``.
        test: encounters of the test patients with the columns of :data:`ml.schema.INPUTS`.
    """
    table = test.sample(min(_ROWS, len(test)), random_state=_SEED)
    inputs, labels, groups = model_inputs(table), target(table), patients(table)
    weights = _weights(answers, inputs.rows(np.arange(min(_WEIGHING_ROWS, len(table)))))
    complete = _logit(answers(inputs))
    hidden = [random_hidden(len(table), _SEED + draw) for draw in range(_DRAWS)]
    hidden.append(np.zeros_like(hidden[0]))
    masked = [hide(inputs, mask) for mask in hidden]
    logits = np.concatenate([_logit(answers(variant)) for variant in masked])
    information = np.concatenate([_known_units(variant) @ weights for variant in masked])
    repeated = len(masked)
    shift = np.tile(complete, repeated) - logits
    first_half = np.tile(groups % 2 == 0, repeated)
    risk_edges = np.quantile(1 / (1 + np.exp(-complete)), np.linspace(0, 1, _LEVELS + 1)[1:-1])
    level = np.searchsorted(risk_edges, 1 / (1 + np.exp(-logits)))
    degree = np.rint(information * (len(DEGREES) - 1)).astype(int)
    low, high = _shifts(shift[first_half], degree[first_half], level[first_half])
    ranking = _ranking(np.tile(labels, repeated), logits, degree)
    found = Completeness(
        weights=dict(zip(UNITS, weights.tolist(), strict=True)),
        information=DEGREES,
        auroc=tuple(np.maximum.accumulate(ranking).tolist()),
        risk_edges=tuple(risk_edges.tolist()),
        low=tuple(map(tuple, low.tolist())),
        high=tuple(map(tuple, high.tolist())),
        coverage=COVERAGE,
    )
    return _with_coverage(found, shift[~first_half], information[~first_half], level[~first_half])


def _weights(answers: Answers, inputs: Inputs) -> Values:
    """Mean absolute change of the logit when a unit alone is hidden, as a share of all; shape ``(len(UNITS),)``."""
    complete = _logit(answers(inputs))
    change = [np.abs(_logit(answers(hide(inputs, _only(unit, len(inputs))))) - complete).mean() for unit in UNITS]
    total = float(np.sum(change))
    return np.array(change) / total if total else np.full(len(UNITS), 1 / len(UNITS))


def _only(unit: str, rows: int) -> Hidden:
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


def _shifts(shift: Values, degree: NDArray[np.int64], level: NDArray[np.int64]) -> tuple[Values, Values]:
    """Quantiles of the way to the complete answer, by degree and level; each shape ``(len(DEGREES), levels)``."""
    ends = np.array([(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    found = np.zeros((2, len(DEGREES), _LEVELS))
    for number in range(len(DEGREES)):
        nearest = degree == number
        for part in range(_LEVELS):
            rows = nearest & (level == part)
            chosen = rows if rows.sum() >= _FEWEST else nearest if nearest.sum() >= _FEWEST else slice(None)
            found[:, number, part] = np.quantile(shift[chosen], ends)
    return found[0], found[1]


def _ranking(labels: NDArray[np.int64], logits: Values, degree: NDArray[np.int64]) -> Values:
    """AUROC at each degree; 0.5 where the model is told nothing, or where too few rows are to measure it."""
    found = np.full(len(DEGREES), 0.5)
    for number in range(len(DEGREES)):
        rows = degree == number
        if rows.sum() >= _FEWEST:
            found[number] = np.nan_to_num(auroc(labels[rows], logits[rows]), nan=0.5)
    sound: Values = np.maximum(found, 0.5)
    return sound


def _with_coverage(found: Completeness, shift: Values, information: Values, level: NDArray[np.int64]) -> Completeness:
    ends = []
    for shifts in (np.array(found.low), np.array(found.high)):
        by_level = [np.interp(information, found.information, column) for column in shifts.T]
        ends.append(np.choose(level, by_level))
    inside = (np.minimum(ends[0], 0) <= shift) & (shift <= np.maximum(ends[1], 0))
    return Completeness(**{**found.to_json(), "coverage": float(inside.mean())})


def _logit(chance: Values) -> Values:
    bounded = np.clip(chance, 1e-7, 1 - 1e-7)
    logits: Values = np.log(bounded / (1 - bounded))
    return logits
