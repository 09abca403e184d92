"""Expected metrics of calibrated probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml.evaluation.metrics import METRICS, Values
from ml.monitoring.estimate import ESTIMATED, expected_metrics

RISKS = arrays(np.float64, st.integers(2, 60), elements=st.floats(0.01, 0.99))


@given(RISKS)
def test_the_expected_brier_score_is_the_mean_variance_of_the_outcomes(risks: Values) -> None:
    assert expected_metrics(risks)["brier"] == pytest.approx(float(np.mean(risks * (1 - risks))))


@given(RISKS)
def test_the_expected_ranking_is_not_worse_than_chance(risks: Values) -> None:
    found = expected_metrics(risks)

    assert 0.5 - 1e-9 <= found["auroc"] <= 1
    assert risks.mean() - 1e-9 <= found["average_precision"] <= 1


@given(RISKS, st.randoms(use_true_random=False))
def test_the_order_of_the_predictions_does_not_matter(risks: Values, random: np.random.Generator) -> None:
    shuffled = risks.tolist()
    random.shuffle(shuffled)

    assert expected_metrics(np.array(shuffled)) == pytest.approx(expected_metrics(risks))


def test_the_estimate_equals_the_mean_over_simulated_outcomes() -> None:
    generator = np.random.default_rng(1)
    risks = generator.beta(2, 14, 4_000)
    draws = [(generator.random(len(risks)) < risks).astype(np.int64) for _ in range(60)]

    for name, value in expected_metrics(risks).items():
        assert value == pytest.approx(np.mean([METRICS[name](labels, risks, None) for labels in draws]), abs=0.004)


def test_calibration_metrics_are_not_estimated() -> None:
    assert set(ESTIMATED) == {"auroc", "average_precision", "brier"}
