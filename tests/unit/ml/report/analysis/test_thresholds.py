"""Figures of a threshold from the table equal a computation encounter by encounter."""

from collections.abc import Mapping

import numpy as np
import pytest

from ml.core.policies.figures import MIN_CELL, GroupFigures, Interval, figures_at, shares_flagged, step_for_capacity
from ml.core.policies.threshold_table import STEPS, ThresholdTable
from ml.report.analysis.scored_test_set import ScoredTestSet
from ml.report.analysis.thresholds import threshold_table, weekly_encounters
from tests.support import thresholds as independent

SAMPLES = 40
RATES = {
    "share flagged": "share_flagged",
    "sensitivity": "sensitivity",
    "false positive rate": "false_positive_rate",
    "ppv": "ppv",
    "npv": "npv",
    "number needed": "number_needed",
}
CELLS = {
    "share flagged": (("caught", "false"), ("unflagged", "missed")),
    "sensitivity": (("caught",), ("missed",)),
    "false positive rate": (("false",), ("unflagged",)),
    "ppv": (("caught",), ("false",)),
    "npv": (("unflagged",), ("missed",)),
    "number needed": (("caught",), ("false",)),
}


@pytest.fixture(scope="module")
def table(scored: ScoredTestSet) -> ThresholdTable:
    made = threshold_table(scored, scored.probabilities.astype(np.float32), SAMPLES, None)
    return ThresholdTable.from_bytes(made.to_bytes())


@pytest.mark.parametrize("step", [1, 60, 105, 180, 320])
def test_every_figure_equals_an_independent_computation(
    scored: ScoredTestSet, table: ThresholdTable, step: int
) -> None:
    expected = independent.figures(
        scored.table, scored.labels, scored.probabilities, scored.reference, scored.patients, step / STEPS, SAMPLES
    )
    found = figures_at(table, step)

    assert_group(found.overall, expected, "")
    for one in found.groups:
        assert_group(one, expected, f"{one.group.column}={one.group.value} ")
    assert_equal(found.net_benefit.model, expected["net benefit flag"])
    assert_equal(found.net_benefit.reference, expected["net benefit lace"])
    assert_equal(found.net_benefit.everybody, expected["net benefit all"])
    for column, ratios in found.ratios.items():
        assert_equal(ratios.equal_opportunity, expected.get(f"{column} ratio of sensitivity"))
        assert_equal(ratios.predictive_equality, expected.get(f"{column} ratio of false positive rate"))


def assert_group(one: GroupFigures, expected: Mapping[str, tuple[float, float, float]], name: str) -> None:
    def cell(*names: str) -> float:
        return sum(expected[f"{name}{one}"][0] for one in names)

    for count, names in (("flagged", ("caught", "false")), ("caught", ("caught",)), ("missed", ("missed",))):
        value = cell(*names)
        assert getattr(one, count) == (value if value >= MIN_CELL else None)
    for figure, attribute in RATES.items():
        is_shown = all(cell(*names) >= MIN_CELL for names in CELLS[figure])
        assert_equal(getattr(one, attribute), expected[f"{name}{figure}"] if is_shown else None)


def assert_equal(found: Interval | None, expected: tuple[float, float, float] | None) -> None:
    assert (found is None) == (expected is None)
    if found is not None:
        assert found == pytest.approx(expected, abs=1e-9)


def test_the_threshold_of_a_capacity_is_the_lowest_that_flags_no_more(table: ThresholdTable) -> None:
    shares = shares_flagged(table)
    assert shares[0] == 1
    assert shares[-1] == 0
    assert all(np.diff(shares) <= 0)
    for share in (0.0, 0.03, 0.1, 0.37, 1.0):
        step = step_for_capacity(table, share)
        assert shares[step] <= share
        assert step == 0 or shares[step - 1] > share


def test_a_table_of_a_large_cohort_does_not_overflow(scored: ScoredTestSet, table: ThresholdTable) -> None:
    assert table.counts.dtype == np.uint16
    assert table.counts[0, :, 0].sum(dtype=np.int64) == len(scored.labels)


def test_only_the_genuine_data_have_a_known_period() -> None:
    assert weekly_encounters(99_343, "file") == pytest.approx(190.4, abs=0.05)
    assert weekly_encounters(99_343, "synthetic") is None
