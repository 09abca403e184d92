"""Subgroups: levels, pooling and order of encounters."""

import numpy as np

from ml.evaluation.subgroups import SUBGROUP_ENCOUNTERS, SUBGROUP_POSITIVES
from ml.report.analysis.scored_test_set import ScoredTestSet
from ml.report.analysis.subgroups import FACTORS, REMAINING, subgroups
from tests.unit.ml.report.provenance import SAMPLES


def test_the_levels_of_a_factor_partition_the_encounters(scored: ScoredTestSet) -> None:
    rows = subgroups(scored, SAMPLES)

    for factor in FACTORS:
        levels = [row for row in rows if row.factor == factor]
        assert sum(row.rows for row in levels) == len(scored.labels)
        assert sum(row.positives for row in levels) == scored.labels.sum()
        assert len({row.level for row in levels}) == len(levels)


def test_small_levels_are_pooled(scored: ScoredTestSet) -> None:
    rows = subgroups(scored, SAMPLES)

    assert all(
        row.level == REMAINING or (row.rows >= SUBGROUP_ENCOUNTERS and row.positives >= SUBGROUP_POSITIVES)
        for row in rows
    )
    assert all(
        (row.auroc is None) == (row.rows < SUBGROUP_ENCOUNTERS or row.positives < SUBGROUP_POSITIVES) for row in rows
    )


def test_first_encounters_have_no_earlier_stays(scored: ScoredTestSet) -> None:
    first = next(row for row in subgroups(scored, SAMPLES) if row.level == "First encounter")

    assert first.rows == (scored.table["earlier_stays"] == 0).sum() == len(np.unique(scored.patients))
