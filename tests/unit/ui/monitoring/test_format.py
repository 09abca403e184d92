"""Durations and rates."""

import pytest

from ui.monitoring.format import duration, rate


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0042, "4.2 ms"), (0.0184, "18 ms"), (0.9996, "1,000 ms"), (1.25, "1.25 s")]
)
def test_short_times_are_milliseconds(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("per_second", "text"), [(0.25, "0.25"), (12.42, "12.4"), (1340.0, "1,340")])
def test_rates_have_as_many_digits_as_they_need(per_second: float, text: str) -> None:
    assert rate(per_second) == text
