"""A real Alertmanager with the platform's routes notifies a receiver; inhibited alerts are not sent."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import eventually
from tests.support.alerting import Alerting, running_alerting


@pytest.fixture(scope="module")
def alerting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alerting]:
    with running_alerting(tmp_path_factory.mktemp("alerting")) as running:
        yield running


def alert(name: str, severity: str, *, ended: bool = False, **labels: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "labels": {"alertname": name, "severity": severity, **labels},
        "annotations": {"summary": name},
        # A new alert starts now: Alertmanager skips the group wait of older ones, and an inhibition may come too late.
        "startsAt": (now - timedelta(minutes=1) if ended else now).isoformat(),
        "endsAt": (now if ended else now + timedelta(hours=1)).isoformat(),
    }


@pytest.mark.parametrize(("name", "severity"), [("TrainingStale", "warning"), ("PostgresDown", "critical")])
def test_an_alert_is_notified_when_it_fires_and_when_it_is_resolved(
    alerting: Alerting, name: str, severity: str
) -> None:
    alerting.post(alert(name, severity))
    eventually(lambda: name in alerting.notified("firing"))
    assert name not in alerting.notified("resolved")
    alerting.post(alert(name, severity, ended=True))
    eventually(lambda: name in alerting.notified("resolved"))


def test_an_alert_that_follows_from_another_one_of_the_same_api_is_inhibited(alerting: Alerting) -> None:
    alerting.post(
        alert("ApiDown", "critical", instance="api-1:8000"),
        alert("ApiNoModel", "critical", instance="api-1:8000"),
        alert("ApiSlow", "warning", instance="api-2:8000"),
    )
    eventually(lambda: {"ApiDown", "ApiSlow"} <= alerting.notified("firing"))
    assert alerting.inhibited() == {"ApiNoModel"}
    assert "ApiNoModel" not in alerting.notified("firing")


def test_an_unreachable_registry_is_inhibited_while_mlflow_is_down(alerting: Alerting) -> None:
    alerting.post(
        alert("MlflowDown", "warning", instance="exporter:9105"),
        alert("ModelRegistryUnreachable", "warning", instance="api-3:8000"),
    )
    eventually(lambda: "MlflowDown" in alerting.notified("firing"))
    assert "ModelRegistryUnreachable" in alerting.inhibited()
