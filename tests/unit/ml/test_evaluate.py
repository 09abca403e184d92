"""Metrics and their intervals: known values, and what must hold for any data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.evaluate import METRICS, calibration_error, evaluate, resampled_weights


def drawn(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Perfectly calibrated risks with their outcomes."""
    generator = np.random.default_rng(seed)
    risks = generator.beta(1.5, 10, rows)
    return (generator.random(rows) < risks).astype(np.int64), risks


def test_known_values_of_every_metric() -> None:
    labels, risks = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])

    assert METRICS["auroc"](labels, risks) == pytest.approx(0.75)
    assert METRICS["average_precision"](labels, risks) == pytest.approx(0.8333, abs=1e-4)
    assert METRICS["brier"](labels, risks) == pytest.approx((0.01 + 0.16 + 0.4225 + 0.04) / 4)
    assert METRICS["ece"](labels, risks) == pytest.approx((0.1 + 0.4 + 0.65 + 0.2) / 4)


def test_perfectly_calibrated_risks_have_a_small_calibration_error() -> None:
    assert calibration_error(*drawn(50_000)) < 0.006


def test_doubled_risks_have_a_calibration_error_of_their_mean() -> None:
    labels, risks = drawn(50_000)

    assert calibration_error(labels, risks * 2) == pytest.approx(risks.mean(), abs=0.01)


@given(st.integers(20, 200), st.integers(0, 10_000))
def test_a_calibration_error_is_between_0_and_1(rows: int, seed: int) -> None:
    generator = np.random.default_rng(seed)

    assert 0 <= calibration_error(generator.integers(0, 2, rows), generator.random(rows)) <= 1


@given(st.integers(0, 1_000))
def test_weights_count_like_repeated_rows(seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels, risks = np.r_[0, 1, generator.integers(0, 2, 58)], generator.random(60)
    weights = np.r_[1, 1, generator.integers(1, 4, 58)]

    for name in ("auroc", "average_precision", "brier"):
        repeated = METRICS[name](np.repeat(labels, weights), np.repeat(risks, weights))
        assert METRICS[name](labels, risks, sample_weight=weights.astype(float)) == pytest.approx(repeated)


def test_every_metric_comes_with_an_interval_around_it() -> None:
    labels, risks = drawn(3_000)
    found = evaluate(labels, risks, np.arange(3_000), samples=80)

    assert set(found) == {"auroc", "average_precision", "brier", "ece"}
    for name in ("auroc", "average_precision", "brier"):
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    assert found["ece"]["low"] < found["ece"]["high"]


def test_the_same_seed_gives_the_same_interval() -> None:
    labels, risks = drawn(800)

    assert evaluate(labels, risks, np.arange(800), 50) == evaluate(labels, risks, np.arange(800), 50)


def test_resampling_patients_is_wider_than_resampling_rows_when_patients_come_back() -> None:
    labels, risks = drawn(400)
    tenfold = np.repeat(np.arange(400), 10)
    by_patient = evaluate(labels[tenfold], risks[tenfold], tenfold, samples=100)["auroc"]
    by_row = evaluate(labels[tenfold], risks[tenfold], np.arange(4_000), samples=100)["auroc"]

    assert by_patient["high"] - by_patient["low"] > 2 * (by_row["high"] - by_row["low"])


@settings(max_examples=30)
@given(st.lists(st.integers(1, 2**62), min_size=1, max_size=60), st.integers(0, 100))
def test_all_rows_of_a_patient_are_drawn_equally_often(patients: list[int], seed: int) -> None:
    clusters = np.array(patients, dtype=np.int64)
    (weights,) = resampled_weights(clusters, 1, seed)

    assert all(len(set(weights[clusters == patient])) == 1 for patient in clusters)
    first = np.unique(clusters, return_index=True)[1]
    assert weights[first].sum() == len(first)
