"""Intervals by patient-cluster bootstrap, of one model and of the difference between two."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.evaluation.bootstrap import evaluate, paired_difference, paired_differences, resampled_weights
from ml.evaluation.metrics import ALL_METRICS, METRICS


def drawn(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Perfectly calibrated risks with their outcomes."""
    generator = np.random.default_rng(seed)
    risks = generator.beta(1.5, 10, rows)
    return (generator.random(rows) < risks).astype(np.int64), risks


def noisy(risks: np.ndarray, seed: int = 0) -> np.ndarray:
    """The risks of a model that is a little worse."""
    odds = risks / (1 - risks) * np.exp(np.random.default_rng(seed).normal(0, 0.5, len(risks)))
    return odds / (1 + odds)


def test_every_headline_metric_has_an_interval() -> None:
    labels, risks = drawn(3_000)
    found = evaluate(labels, risks, np.arange(3_000), samples=80)

    assert set(found) == set(METRICS) == {"auroc", "average_precision", "brier", "ece"}
    for name in ("auroc", "average_precision", "brier"):
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    assert found["ece"]["low"] < found["ece"]["high"]


def test_every_other_metric_has_an_interval_on_request() -> None:
    labels, risks = drawn(3_000)
    found = evaluate(labels, risks, np.arange(3_000), samples=60, metrics=ALL_METRICS)

    assert set(found) == set(ALL_METRICS)
    assert all(found[name]["low"] < found[name]["value"] < found[name]["high"] for name in set(found) - {"ece"})


def test_the_same_seed_gives_the_same_interval() -> None:
    labels, risks = drawn(800)

    assert evaluate(labels, risks, np.arange(800), 50) == evaluate(labels, risks, np.arange(800), 50)


def test_intervals_by_patient_are_wider_than_by_row() -> None:
    labels, risks = drawn(400)
    tenfold = np.repeat(np.arange(400), 10)
    by_patient = evaluate(labels[tenfold], risks[tenfold], tenfold, samples=100)["auroc"]
    by_row = evaluate(labels[tenfold], risks[tenfold], np.arange(4_000), samples=100)["auroc"]

    assert by_patient["high"] - by_patient["low"] > 2 * (by_row["high"] - by_row["low"])


def test_undefined_replicates_are_left_out_of_the_interval() -> None:
    labels = np.array([1, 0, 0, 0, 0, 0])
    found = evaluate(labels, np.linspace(0.6, 0.1, 6), np.arange(6), samples=60)

    assert np.isfinite([found["auroc"]["low"], found["auroc"]["high"]]).all()


def test_without_positives_the_interval_is_nan() -> None:
    found = evaluate(np.zeros(6, dtype=np.int64), np.linspace(0.6, 0.1, 6), np.arange(6), samples=50)

    assert all(np.isnan(end) for end in found["auroc"].values())


@settings(max_examples=30)
@given(st.lists(st.integers(1, 2**62), min_size=1, max_size=60), st.integers(0, 100))
def test_all_rows_of_a_patient_are_drawn_equally_often(patients: list[int], seed: int) -> None:
    clusters = np.array(patients, dtype=np.int64)
    (weights,) = resampled_weights(clusters, 1, seed)

    assert all(len(set(weights[clusters == patient])) == 1 for patient in clusters)
    first = np.unique(clusters, return_index=True)[1]
    assert weights[first].sum() == len(first)


def test_the_difference_of_a_model_from_itself_is_0() -> None:
    labels, risks = drawn(500)

    for metric in ALL_METRICS:
        assert paired_difference(metric, labels, risks, risks, np.arange(500), 50) == {"value": 0, "low": 0, "high": 0}


def test_a_difference_is_that_of_the_metrics_and_antisymmetric() -> None:
    labels, risks = drawn(2_000)
    worse, patients = noisy(risks), np.arange(2_000) // 2

    there = paired_difference("auroc", labels, risks, worse, patients, 80, seed=7)
    back = paired_difference("auroc", labels, worse, risks, patients, 80, seed=7)
    apart = METRICS["auroc"](labels, risks, None) - METRICS["auroc"](labels, worse, None)
    assert there["value"] == pytest.approx(apart)
    assert back == pytest.approx({"value": -there["value"], "low": -there["high"], "high": -there["low"]})


def test_several_differences_at_once_are_those_of_one_call_for_each() -> None:
    labels, risks = drawn(1_000)
    others, patients = [noisy(risks), 1 - risks, risks], np.arange(1_000) // 2

    apart = [paired_difference("auroc", labels, risks, other, patients, 60) for other in others]
    assert paired_differences("auroc", labels, risks, others, patients, 60) == apart


def test_a_better_model_has_a_higher_auroc_and_a_lower_brier_score() -> None:
    labels, risks = drawn(8_000)
    patients = np.arange(8_000) // 2

    assert paired_difference("auroc", labels, risks, noisy(risks), patients, 100)["low"] > 0
    assert paired_difference("brier", labels, risks, noisy(risks), patients, 100)["high"] < 0


def test_a_paired_difference_is_narrower_than_the_interval_of_either_model() -> None:
    labels, risks = drawn(3_000)
    single = evaluate(labels, risks, np.arange(3_000), 100)["auroc"]
    paired = paired_difference("auroc", labels, risks, noisy(risks), np.arange(3_000), 100)

    assert paired["high"] - paired["low"] < (single["high"] - single["low"]) / 1.5


@settings(max_examples=20)
@given(st.integers(0, 1_000))
def test_weights_equal_repeated_rows(seed: int) -> None:
    """Weights of rows sorted by risk give the same metric as repeated rows in the original order."""
    labels, risks = drawn(120, seed)
    labels[:2] = 0, 1
    patients = np.arange(120) // 3
    in_order = np.argsort(risks, kind="stable")
    (own,), (ranked,) = resampled_weights(patients, 1, seed), resampled_weights(patients[in_order], 1, seed)

    assert (own[in_order] == ranked).all()
    if np.unique(labels[own > 0]).size == 2:
        copies = np.repeat(np.arange(120), own.astype(int))
        expected = METRICS["auroc"](labels[copies], risks[copies], None)
        assert METRICS["auroc"](labels[in_order], risks[in_order], ranked) == pytest.approx(expected)
