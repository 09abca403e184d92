"""What a threshold brings on the test patients: figures with 95 % intervals, overall and by subgroup.

Intervals are the 2.5 % and 97.5 % quantiles of bootstrap replicates in which patients are drawn with all of their
encounters. A figure that rests on a number of encounters below :data:`MIN_CELL` is suppressed: it is None.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.core.policies.threshold_table import STEPS, Counts, Group, ThresholdTable

MIN_CELL: Final = 10
"""Smaller numbers of encounters are not shown."""

_Replicates = NDArray[np.float64]
"""A value for each replicate; the first is of the test patients as they are."""


class Interval(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """Figures of all encounters or of a subgroup; None is suppressed or undefined."""

    group: Group
    encounters: int | None
    readmissions: int | None
    flagged: int | None
    caught: int | None  # flagged, and readmitted
    missed: int | None  # readmitted, and not flagged
    share_flagged: Interval | None
    sensitivity: Interval | None  # share of the readmissions that are flagged
    false_positive_rate: Interval | None
    ppv: Interval | None
    npv: Interval | None
    number_needed: Interval | None  # flagged encounters for one readmission


@dataclass(frozen=True, slots=True)
class NetBenefit:
    """Net benefit per encounter at a threshold, by whom one follows up; of following up nobody it is 0."""

    model: Interval
    reference: Interval  # the LACE proxy
    everybody: Interval


@dataclass(frozen=True, slots=True)
class Ratios:
    """The lowest rate of the subgroups of a column divided by the highest; 1 is equal treatment."""

    equal_opportunity: Interval | None  # of the sensitivities
    predictive_equality: Interval | None  # of the false positive rates


@dataclass(frozen=True, slots=True)
class ThresholdFigures:
    """Figures of a threshold."""

    threshold: float
    overall: GroupFigures
    groups: tuple[GroupFigures, ...]
    ratios: Mapping[str, Ratios]  # by column
    net_benefit: NetBenefit


def figures_at(table: ThresholdTable, step: int) -> ThresholdFigures:
    """The figures of the threshold ``step`` / 1000; step 0 flags everybody."""
    flagged, total = _sums(table.counts, step), _sums(table.counts, 0)
    cells = [_Cells(*flagged[place], *total[place]) for place in range(len(table.groups))]
    groups = [_group_figures(group, of_group) for group, of_group in zip(table.groups, cells, strict=True)]
    of_reference = _Cells(*_sums(table.reference, step), *_sums(table.reference, 0))
    odds = step / (STEPS - step)
    everybody = _Cells(*total[0], *total[0])
    return ThresholdFigures(
        threshold=step / STEPS,
        overall=groups[0],
        groups=tuple(groups[1:]),
        ratios={
            column: _ratios([c for c, group in zip(cells, table.groups, strict=True) if group.column == column])
            for column in dict.fromkeys(group.column for group in table.groups[1:])
        },
        net_benefit=NetBenefit(*(_of_all(one.net_benefit(odds)) for one in (cells[0], of_reference, everybody))),
    )


def shares_flagged(table: ThresholdTable) -> NDArray[np.float64]:
    """Share of the test encounters that each step flags, from step 0 to the first that flags none."""
    by_step = table.counts[0, :, 0].sum(axis=0, dtype=np.int64)
    above = np.append(by_step[::-1].cumsum()[::-1], 0)
    return np.asarray(above / max(1, above[0]), dtype=np.float64)


def step_for_capacity(table: ThresholdTable, share: float) -> int:
    """The lowest step that flags at most this share of the encounters."""
    return int(np.argmax(shares_flagged(table) <= share + 1e-12))


class _Cells(NamedTuple):
    """Numbers of encounters by replicate: flagged without and with readmission, then all without and with."""

    false_positives: _Replicates
    true_positives: _Replicates
    negatives: _Replicates
    positives: _Replicates

    @property
    def false_negatives(self) -> _Replicates:
        return self.positives - self.true_positives

    @property
    def true_negatives(self) -> _Replicates:
        return self.negatives - self.false_positives

    @property
    def flagged(self) -> _Replicates:
        return self.true_positives + self.false_positives

    @property
    def not_flagged(self) -> _Replicates:
        return self.false_negatives + self.true_negatives

    def net_benefit(self, odds: float) -> _Replicates:
        benefit: _Replicates = (self.true_positives - odds * self.false_positives) / (self.positives + self.negatives)
        return benefit


def _sums(counts: Counts, step: int) -> NDArray[np.float64]:
    """Numbers at or above a step; the last axis is that of the replicates."""
    sums: NDArray[np.float64] = counts[..., step:].sum(axis=-1, dtype=np.int64).astype(np.float64)
    return sums


def _group_figures(group: Group, cells: _Cells) -> GroupFigures:
    tp, fp, fn, tn = cells.true_positives, cells.false_positives, cells.false_negatives, cells.true_negatives
    return GroupFigures(
        group=group,
        encounters=_count(cells.positives + cells.negatives),
        readmissions=_count(cells.positives),
        flagged=_count(cells.flagged),
        caught=_count(tp),
        missed=_count(fn),
        share_flagged=_share(cells.flagged, cells.not_flagged),
        sensitivity=_share(tp, fn),
        false_positive_rate=_share(fp, tn),
        ppv=_share(tp, fp),
        npv=_share(tn, fn),
        number_needed=_interval(_divide(cells.flagged, tp)) if _is_large(tp, fp) else None,
    )


def _ratios(cells: Iterable[_Cells]) -> Ratios:
    groups = list(cells)
    return Ratios(
        _lowest_to_highest([(one.true_positives, one.false_negatives) for one in groups]),
        _lowest_to_highest([(one.false_positives, one.true_negatives) for one in groups]),
    )


def _lowest_to_highest(parts: Iterable[tuple[_Replicates, _Replicates]]) -> Interval | None:
    rates = np.array([_divide(part, part + rest) for part, rest in parts if _is_large(part, rest)])
    return _interval(_divide(rates.min(axis=0), rates.max(axis=0))) if len(rates) > 1 else None


def _share(part: _Replicates, rest: _Replicates) -> Interval | None:
    return _interval(_divide(part, part + rest)) if _is_large(part, rest) else None


def _is_large(*cells: _Replicates) -> bool:
    return all(cell[0] >= MIN_CELL for cell in cells)


def _count(cell: _Replicates) -> int | None:
    return int(cell[0]) if _is_large(cell) else None


def _divide(part: _Replicates, whole: _Replicates) -> _Replicates:
    quotient: _Replicates = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return quotient


def _of_all(replicates: _Replicates) -> Interval:
    low, high = np.quantile(replicates[1:], [0.025, 0.975])
    return Interval(float(replicates[0]), float(low), float(high))


def _interval(replicates: _Replicates) -> Interval | None:
    """The value of the test patients with the quantiles of the replicates in which it is defined."""
    value, drawn = float(replicates[0]), replicates[1:]
    defined = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(defined):
        return None
    low, high = np.quantile(defined, [0.025, 0.975])
    return Interval(value, float(low), float(high))
