"""Quality metrics of matured predictions, without a database."""

from dataclasses import replace

import numpy as np
import pytest

from ml.evaluation.metrics import ALL_METRICS
from ml.monitoring.matured_predictions import MaturedPredictions
from ml.monitoring.quality import MIN_OUTCOMES, REALISED, QualityMetric, estimated_quality, realised_quality

SAMPLES = 50


def drawn(count: int, known_share: float = 1.0, seed: int = 1) -> MaturedPredictions:
    """Calibrated predictions, one per patient; the outcome of a share of them is known."""
    generator = np.random.default_rng(seed)
    risks = generator.beta(2, 14, count)
    known = generator.random(count) < known_share
    return MaturedPredictions(
        "7",
        risks,
        known,
        ((generator.random(count) < risks) & known).astype(np.int64),
        np.arange(count),
        {"gender": generator.choice(np.array(["Female", "Male", None], dtype=object), count, p=[0.6, 0.3, 0.1])},
    )


def by_metric(metrics: list[QualityMetric], subgroup: str = "all") -> dict[str, QualityMetric]:
    return {one.metric: one for one in metrics if one.subgroup == subgroup}


def test_metrics_are_computed_on_known_outcomes() -> None:
    part = drawn(2_000, known_share=0.7)
    found = by_metric(list(realised_quality(part, SAMPLES)))
    labels, risks = part.labels[part.known], part.probabilities[part.known]

    assert list(found) == list(REALISED)
    for name, metric in found.items():
        assert metric.value == pytest.approx(ALL_METRICS[name](labels, risks, None))
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low < metric.high
        assert (metric.model_version, metric.estimated) == ("7", False)
        assert (metric.records, metric.positives) == (part.known.sum(), labels.sum())
        assert metric.coverage == pytest.approx(part.known.mean())


def test_subgroups_are_named_by_value_and_unknown_values_form_none() -> None:
    part = drawn(2_000)
    metrics = list(realised_quality(part, SAMPLES))

    assert list(dict.fromkeys(metric.subgroup for metric in metrics)) == ["all", "gender=Female", "gender=Male"]
    assert by_metric(metrics, "gender=Male")["auroc"].records == (part.groups["gender"] == "Male").sum()


@pytest.mark.parametrize(("positives", "negatives"), [(MIN_OUTCOMES - 1, 500), (500, MIN_OUTCOMES - 1), (0, 0)])
def test_too_few_outcomes_give_counts_without_a_value(positives: int, negatives: int) -> None:
    labels = np.repeat([1, 0], [positives, negatives])
    count = len(labels)
    part = MaturedPredictions("7", np.linspace(0.1, 0.9, count), np.ones(count, bool), labels, np.arange(count), {})

    for metric in realised_quality(part, SAMPLES):
        assert (metric.value, metric.low, metric.high) == (None, None, None)
        assert (metric.records, metric.positives) == (count, positives)


def test_the_minimum_number_of_outcomes_gives_a_value() -> None:
    labels = np.repeat([1, 0], [MIN_OUTCOMES, MIN_OUTCOMES])
    risks, known = np.linspace(0.9, 0.1, len(labels)), np.ones(len(labels), bool)
    part = MaturedPredictions("7", risks, known, labels, labels.cumsum(), {})

    assert by_metric(list(realised_quality(part, SAMPLES)))["auroc"].value == 1


def test_repeated_patients_widen_the_interval() -> None:
    part = drawn(500)
    times = np.tile(np.arange(500), 6)
    repeated = part.rows(times)  # each patient six times, known by number
    strangers = replace(repeated, patients=np.arange(3_000))

    def width(of: MaturedPredictions) -> float:
        metric = by_metric(list(realised_quality(of, 200)))["auroc"]
        assert metric.low is not None
        assert metric.high is not None
        return metric.high - metric.low

    assert width(repeated) > 1.8 * width(strangers)


def test_an_estimate_is_marked_and_uses_no_outcome() -> None:
    risks = drawn(2_000).probabilities
    metrics = list(estimated_quality("7", risks))

    assert [metric.metric for metric in metrics] == ["auroc", "average_precision", "brier"]
    for metric in metrics:
        assert metric.estimated
        assert metric.value is not None
        assert (metric.low, metric.high, metric.positives, metric.coverage) == (None, None, None, 0)
        assert metric.records == 2_000


def test_too_few_predictions_give_no_estimate() -> None:
    assert {metric.value for metric in estimated_quality("7", np.full(100, 0.2))} == {None}
