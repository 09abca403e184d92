"""A real Alertmanager with the platform's routes tells the real notices; what only follows is kept quiet."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
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
        "annotations": {"summary": f"{name} it is", "action": "Look."},
        "startsAt": (now - timedelta(minutes=1)).isoformat(),
        "endsAt": (now if ended else now + timedelta(hours=1)).isoformat(),
    }


def test_an_alert_is_told_when_it_begins_and_when_it_ends(alerting: Alerting) -> None:
    alerting.post(alert("TrainingStale", "warning"))
    eventually(lambda: "TrainingStale" in alerting.told("firing"))
    assert "TrainingStale" not in alerting.told("resolved")
    alerting.post(alert("TrainingStale", "warning", ended=True))
    eventually(lambda: "TrainingStale" in alerting.told("resolved"))


def test_what_follows_from_an_alert_of_the_same_api_is_not_told(alerting: Alerting) -> None:
    alerting.post(
        alert("ApiDown", "critical", instance="api-1:8000"),
        alert("ApiNoModel", "critical", instance="api-1:8000"),
        alert("ApiSlow", "warning", instance="api-2:8000"),
    )
    eventually(lambda: {"ApiDown", "ApiSlow"} <= alerting.told("firing"))
    assert alerting.inhibited() == {"ApiNoModel"}
    assert "ApiNoModel" not in alerting.told("firing")


def test_an_unreachable_registry_is_not_told_while_mlflow_is_down(alerting: Alerting) -> None:
    alerting.post(
        alert("MlflowDown", "warning", instance="exporter:9105"),
        alert("ModelRegistryUnreachable", "warning", instance="api-3:8000"),
    )
    eventually(lambda: "MlflowDown" in alerting.told("firing"))
    assert "ModelRegistryUnreachable" in alerting.inhibited()


def test_the_page_and_the_metrics_show_what_was_told(alerting: Alerting) -> None:
    alerting.post(alert("DagRunFailed", "warning", dag_id="ingest_diabetes"))
    eventually(lambda: "DagRunFailed" in alerting.told("firing"))
    page = httpx.get(f"http://{alerting.notices}/").text
    assert "DagRunFailed it is" in page
    assert 'href="/runbooks/DagRunFailed"' in page
    metrics = httpx.get(f"http://{alerting.notices}/metrics").text
    assert 'alert_notifications_total{alertname="DagRunFailed",status="firing"} 1.0' in metrics
