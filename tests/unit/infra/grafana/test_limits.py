"""Limits of alerts, parsed from the rules."""

import pytest

from infra.grafana.limits import alert_expressions, limit, limit_factors, scrape_timeout_seconds


@pytest.mark.parametrize(
    ("alert", "factors"),
    [
        ("ApiSlow", [0.5]),  # one comparison
        ("ApiServerErrors", [0.05]),  # the first of two
        ("IngestionRejecting", [0.005]),  # after "> 0"
        ("RealisedQualityLow", [0.62]),  # from above
        ("TrainingStale", [26, 3600]),  # a product
        ("ErrorBudgetBurnFast", [14.4, 0.001]),
    ],
)
def test_the_limit_of_an_alert(alert: str, factors: list[float]) -> None:
    assert limit_factors(alert) == factors


def test_a_product_is_multiplied() -> None:
    assert limit("TrainingStale") == 93_600


def test_an_alert_without_a_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="DriftDetected"):
        limit("DriftDetected")


def test_an_unknown_alert_is_refused() -> None:
    with pytest.raises(KeyError):
        limit("ApiFast")


def test_recording_rules_are_left_out() -> None:
    assert not [name for name in alert_expressions() if ":" in name]


def test_the_scrape_timeout_is_parsed() -> None:
    assert scrape_timeout_seconds() == 8
