"""Curves: consistent with the metrics."""

from dataclasses import replace

import numpy as np
import pytest

from ml.evaluation.metrics import point_metrics
from ml.report.analysis.curves import GRID, THRESHOLDS, curves
from ml.report.analysis.scored_test_set import ScoredTestSet
from tests.unit.ml.report.provenance import SAMPLES


def test_the_area_under_the_roc_curve_is_the_auroc(scored: ScoredTestSet) -> None:
    roc = curves(scored, SAMPLES).roc

    assert np.trapezoid(roc.y, roc.x) == pytest.approx(
        point_metrics(scored.labels, scored.probabilities)["auroc"], abs=2e-3
    )


def test_curves_lie_within_their_bands(scored: ScoredTestSet) -> None:
    found = curves(scored, SAMPLES)

    for band in (found.roc, found.gains, found.benefit, found.calibration):
        inside = [low - 0.02 <= y <= high + 0.02 for y, low, high in zip(band.y, band.low, band.high, strict=True)]
        assert all(inside)


def test_the_gains_at_ten_percent_are_the_sensitivity_of_the_top_ten_percent(scored: ScoredTestSet) -> None:
    gains = curves(scored, SAMPLES).gains
    expected = point_metrics(scored.labels, scored.probabilities)["sensitivity_top_10"]

    assert np.interp(0.1, gains.x, gains.y) == pytest.approx(expected, abs=1e-6)


def test_net_benefit_matches_its_definition(scored: ScoredTestSet) -> None:
    found = curves(scored, SAMPLES)
    for position in (0, 17, len(THRESHOLDS) - 1):
        threshold = THRESHOLDS[position]
        acted = scored.probabilities >= threshold
        right, wrong = (acted & (scored.labels == 1)).sum(), (acted & (scored.labels == 0)).sum()
        expected = (right - wrong * threshold / (1 - threshold)) / len(scored.labels)

        assert found.benefit.y[position] == pytest.approx(expected, abs=1e-6)


def test_a_perfect_model_has_a_perfect_curve(scored: ScoredTestSet) -> None:
    oracle = replace(scored, probabilities=scored.labels.astype(np.float64))
    found = curves(oracle, SAMPLES)

    assert found.roc.y[1:] == (1.0,) * (len(GRID) - 1)
    assert set(found.precision_recall.y) == {1.0}


def test_the_histogram_counts_every_encounter_once(scored: ScoredTestSet) -> None:
    found = curves(scored, SAMPLES)

    assert sum(found.returned) == scored.labels.sum()
    assert sum(found.returned) + sum(found.stayed_out) == len(scored.labels)
