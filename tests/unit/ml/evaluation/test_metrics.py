"""Metrics: known values, agreement with scikit-learn, and properties for any data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from ml.evaluation.metrics import ALL_METRICS, METRICS, calibration_error, ece_floor, point_metrics

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def drawn(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Perfectly calibrated risks with their outcomes."""
    generator = np.random.default_rng(seed)
    risks = generator.beta(1.5, 10, rows)
    return (generator.random(rows) < risks).astype(np.int64), risks


def any_rows(rows: int, seed: int) -> Rows:
    """Labels of both kinds, risks with many ties, and weights from 0 to 3."""
    generator = np.random.default_rng(seed)
    labels = np.r_[0, 1, generator.integers(0, 2, rows)]
    risks = generator.integers(1, 12, rows + 2) / 12
    weights = np.r_[1, 1, generator.integers(0, 4, rows)].astype(np.float64)
    return labels, risks, weights


ROWS = st.builds(any_rows, st.integers(5, 150), st.integers(0, 100_000))


def test_known_values_of_the_headline_metrics() -> None:
    labels, risks = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])

    assert METRICS["auroc"](labels, risks, None) == pytest.approx(0.75)
    assert METRICS["average_precision"](labels, risks, None) == pytest.approx(0.8333, abs=1e-4)
    assert METRICS["brier"](labels, risks, None) == pytest.approx((0.01 + 0.16 + 0.4225 + 0.04) / 4)


def test_the_calibration_error_is_the_mean_gap_over_ten_bins() -> None:
    risks = np.linspace(0.05, 0.95, 10)
    labels = (risks > 0.5).astype(np.int64)

    assert calibration_error(labels, risks) == pytest.approx(0.25)
    assert calibration_error(np.tile([0, 1], 10), np.repeat(risks, 2)) == pytest.approx(np.abs(0.5 - risks).mean())


@given(ROWS)
def test_ranking_and_brier_agree_with_scikit_learn_with_ties_and_weights(rows: Rows) -> None:
    labels, risks, weights = rows

    found = point_metrics(labels, risks, weights)
    assert found["auroc"] == pytest.approx(roc_auc_score(labels, risks, sample_weight=weights))
    assert found["average_precision"] == pytest.approx(average_precision_score(labels, risks, sample_weight=weights))
    assert found["brier"] == pytest.approx(brier_score_loss(labels, risks, sample_weight=weights))


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(0.4, 2), st.floats(-1, 1))
def test_the_calibration_slope_is_that_of_a_logistic_regression(seed: int, stretch: float, shift: float) -> None:
    labels, true = drawn(1_000, seed)
    stretched = np.log(true / (1 - true)) * stretch + shift
    risks = (1 / (1 + np.exp(-stretched))).clip(1e-7, 1 - 1e-7)  # no metric tells risks beyond it apart
    logits = np.log(risks / (1 - risks))[:, None]
    weights = np.random.default_rng(seed).integers(0, 3, 1_000).astype(np.float64)

    reference = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-9).fit(logits, labels, weights)
    assert ALL_METRICS["calibration_slope"](labels, risks, weights) == pytest.approx(reference.coef_[0, 0], abs=1e-5)


@given(ROWS)
def test_the_calibration_intercept_brings_the_mean_risk_to_the_observed_mean(rows: Rows) -> None:
    labels, risks, weights = rows
    lacked = ALL_METRICS["calibration_intercept"](labels, risks, weights)

    mended = 1 / (1 + np.exp(-(np.log(risks.clip(max=1 - 1e-7) / (1 - risks.clip(max=1 - 1e-7))) + lacked)))
    assert np.average(mended, weights=weights) == pytest.approx(np.average(labels, weights=weights), abs=1e-5)


def test_calibrated_risks_have_slope_1_and_intercept_0() -> None:
    found = point_metrics(*drawn(100_000))

    assert found["calibration_slope"] == pytest.approx(1, abs=0.03)
    assert found["calibration_intercept"] == pytest.approx(0, abs=0.03)


def test_risks_that_are_too_extreme_have_a_slope_below_1() -> None:
    labels, risks = drawn(50_000)
    odds = (risks / (1 - risks)) ** 2

    assert ALL_METRICS["calibration_slope"](labels, odds / (1 + odds), None) == pytest.approx(0.5, abs=0.03)


def test_the_scaled_brier_score_is_0_for_the_prevalence_and_1_for_certainty() -> None:
    labels, _ = drawn(1_000)

    assert ALL_METRICS["scaled_brier"](labels, np.full(1_000, labels.mean()), None) == pytest.approx(0)
    assert ALL_METRICS["scaled_brier"](labels, labels.astype(float), None) == 1


def test_sensitivity_and_ppv_at_a_share_of_the_rows() -> None:
    labels, risks = np.zeros(100, dtype=np.int64), np.linspace(0, 0.99, 100)
    labels[[99, 98, 90, 50, 0]] = 1

    found = point_metrics(labels, risks)
    assert [found[f"sensitivity_top_{share}"] for share in (5, 10, 20)] == pytest.approx([0.4, 0.6, 0.6])
    assert [found[f"ppv_top_{share}"] for share in (5, 10, 20)] == pytest.approx([0.4, 0.3, 0.15])


def test_risks_that_are_all_equal_rank_by_chance() -> None:
    labels = drawn(200)[0]
    found = point_metrics(labels, np.full(200, 0.1))

    assert found["auroc"] == 0.5
    assert found["average_precision"] == found["ppv_top_5"] == pytest.approx(labels.mean())
    assert found["sensitivity_top_20"] == pytest.approx(0.2)
    assert np.isnan(found["calibration_slope"])


@given(ROWS, st.integers(0, 1_000))
def test_no_metric_depends_on_the_order_of_the_rows(rows: Rows, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(rows[0]))

    found, again = point_metrics(*rows), point_metrics(*(part[order] for part in rows))
    assert again == pytest.approx(found, nan_ok=True, abs=1e-7)


@given(ROWS)
def test_weights_count_like_repeated_rows(rows: Rows) -> None:
    labels, risks, weights = rows
    counts = weights.astype(int)

    weighted = point_metrics(labels, risks, weights)
    repeated = point_metrics(np.repeat(labels, counts), np.repeat(risks, counts))
    for name in ALL_METRICS:
        assert weighted[name] == pytest.approx(repeated[name], nan_ok=True, abs=1e-6), name


@pytest.mark.parametrize("outcome", [0, 1])
def test_undefined_metrics_of_equal_outcomes_are_nan(outcome: int) -> None:
    found = point_metrics(np.full(50, outcome), np.linspace(0.1, 0.9, 50))

    assert {"auroc", "scaled_brier", "calibration_intercept", "calibration_slope"} <= {
        name for name, value in found.items() if np.isnan(value)
    }


def test_perfectly_calibrated_risks_have_a_small_calibration_error() -> None:
    assert calibration_error(*drawn(50_000)) < 0.006


def test_doubled_risks_have_a_calibration_error_of_their_mean() -> None:
    labels, risks = drawn(50_000)

    assert calibration_error(labels, risks * 2) == pytest.approx(risks.mean(), abs=0.01)


@given(ROWS)
def test_a_calibration_error_is_between_0_and_1(rows: Rows) -> None:
    assert 0 <= calibration_error(*rows) <= 1


def test_the_ece_floor_is_the_mean_error_of_calibrated_risks() -> None:
    risks = drawn(5_000)[1]
    shown = [calibration_error((np.random.default_rng(s).random(5_000) < risks).astype(int), risks) for s in range(60)]

    assert ece_floor(risks, seed=1) == pytest.approx(np.mean(shown), rel=0.1)
    assert ece_floor(risks, seed=1) == ece_floor(risks, seed=1)


def test_the_ece_floor_falls_with_the_square_root_of_the_rows() -> None:
    few, many = ece_floor(drawn(2_000)[1], seed=0), ece_floor(drawn(32_000)[1], seed=0)

    assert few / many == pytest.approx(4, rel=0.2)
