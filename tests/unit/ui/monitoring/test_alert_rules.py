"""Alerting rules as Prometheus returns them, the limits in their expressions, and the texts of the alerts."""

from typing import Any

import httpx
import pytest

from tests.unit.infra.prometheus.prometheus_files import alerts
from ui.clients.errors import InvalidResponse
from ui.clients.prometheus import PrometheusClient
from ui.monitoring.alert_rules import AlertRule, fetch_rules
from ui.monitoring.alert_texts import meanings
from ui.monitoring.panels import quality


def prometheus(body: Any) -> PrometheusClient:
    return PrometheusClient("http://prometheus:9090", 10, httpx.MockTransport(lambda _: httpx.Response(200, json=body)))


def expression_of(alert: str) -> str:
    return str(next(rule["expr"] for rule in alerts() if rule["alert"] == alert))


def test_rules_are_read_with_their_alerts() -> None:
    alert = {
        "labels": {"alertname": "ApiDown", "severity": "critical"},
        "annotations": {"summary": "down"},
        "state": "firing",
        "activeAt": "2026-05-28T20:30:00.123456789Z",
        "value": "1e+00",
    }
    rule = {"name": "ApiDown", "query": "up == 0", "type": "alerting", "state": "firing", "alerts": [alert]}
    body = {"status": "success", "data": {"groups": [{"name": "api", "rules": [rule]}, {"name": "b", "rules": []}]}}
    (found,) = fetch_rules(prometheus(body))
    (active,) = found.alerts
    assert found.name == "ApiDown"
    assert (active.name, active.severity, active.state, active.active_at.minute) == (
        "ApiDown",
        "critical",
        "firing",
        30,
    )


def test_a_response_of_another_format_is_invalid() -> None:
    with pytest.raises(InvalidResponse):
        fetch_rules(prometheus({"hello": "there"}))


@pytest.mark.parametrize(
    ("expression", "limits"),
    [
        ('realised{bound="high"} < 0.62 and on (version) production', (0.62,)),
        ('(a{b="c"} > 0.2 or a{b="d"} < -0.2) and on (version) production', (-0.2, 0.2)),
        ("route:latency:p95 >= 5", (5.0,)),
        ("monitor_state == 1", ()),
        ("sum(increase(errors[5m])) > 4", ()),
        ("errors:ratio > 14.4 * 0.001", ()),
        ("time() - last_run > 26 * 3600", ()),
    ],
)
def test_limits_are_numbers_that_a_series_is_compared_with(expression: str, limits: tuple[float, ...]) -> None:
    assert AlertRule(name="a", query=expression).limits == limits


@pytest.mark.parametrize(
    "alert", ["ApiSlow", "ApiServerErrors", *(name for names in quality.ALERTS.values() for name in names)]
)
def test_the_rules_of_the_alerts_that_charts_draw_have_limits(alert: str) -> None:
    assert AlertRule(name=alert, query=expression_of(alert)).limits


def test_every_alert_has_a_meaning_and_no_other() -> None:
    assert meanings().keys() == {rule["alert"] for rule in alerts()}


def test_a_meaning_repeats_no_limit_of_a_rule() -> None:
    assert [text for text in meanings().values() if any(character.isdigit() for character in text)] == []
