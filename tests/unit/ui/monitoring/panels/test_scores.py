"""The histogram of predicted risk, and the cohort in the same buckets."""

import pytest

from ui.clients.prometheus import Sample
from ui.monitoring.panels.scores import Bucket, buckets, expected, median

EVEN = tuple(i / 100 for i in range(101))


def sample(value: float, **labels: str) -> Sample:
    return Sample(labels, value)


def test_a_cumulative_histogram_becomes_counts_between_bounds() -> None:
    found = buckets([sample(30, le="0.2"), sample(10, le="0.1"), sample(31, le="+Inf"), sample(31, le="1.0")])
    assert found == (Bucket(0, 0.1, 10), Bucket(0.1, 0.2, 20), Bucket(0.2, 1.0, 1))


@pytest.mark.parametrize("samples", [[], [sample(0, le="0.1"), sample(0, le="+Inf")], [sample(3)]])
def test_without_predictions_there_is_no_histogram(samples: list[Sample]) -> None:
    assert buckets(samples) == ()


def test_extrapolated_counts_are_never_negative() -> None:
    found = buckets([sample(10.01, le="0.1"), sample(10.0, le="0.2"), sample(12.0, le="1.0")])
    assert min(bucket.count for bucket in found) == 0


def test_the_cohort_fills_the_same_buckets() -> None:
    shares = [expected(bucket, EVEN) for bucket in (Bucket(0, 0.25, 0), Bucket(0.25, 0.5, 0), Bucket(0.5, 1, 0))]
    assert shares == pytest.approx([0.25, 0.25, 0.5])


@pytest.mark.parametrize(("first", "expected_median"), [(10, 0.15), (0, 0.2)])
def test_the_median_lies_within_its_bucket(first: float, expected_median: float) -> None:
    assert median([Bucket(0, 0.1, first), Bucket(0.1, 0.3, 20)]) == pytest.approx(expected_median)
