"""Shortened durations in rules and routes."""

import pytest
import yaml

from tests.support.durations import divided, shortened

RULES = """
groups:
  - name: one
    rules:
      - alert: A
        expr: increase(a_total[15m] offset 1h) > 26 * 3600 and b:rate5m > 0.5
        for: 5m
        annotations: {summary: No run for 5m}
      - {record: "b:rate5m", expr: "rate(b_total[5m])"}
"""


def test_only_waiting_times_ranges_and_offsets_are_divided() -> None:
    first, second = yaml.safe_load(shortened(RULES, 10))["groups"][0]["rules"]
    assert first["expr"] == "increase(a_total[90s] offset 360s) > 26 * 3600 and b:rate5m > 0.5"
    assert first["for"] == "30s"
    assert first["annotations"] == {"summary": "No run for 5m"}
    assert second == {"record": "b:rate5m", "expr": "rate(b_total[30s])"}


def test_minimum_durations() -> None:
    (first, _) = yaml.safe_load(shortened(RULES, 1000, least=2, range_least=6))["groups"][0]["rules"]
    assert first["for"] == "2s"
    assert "a_total[6s] offset 6s" in first["expr"]


def test_a_malformed_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="'1h30m' is not a duration"):
        divided("1h30m", 10, 1)
