"""The Monitoring page with a real Prometheus and the platform's rules."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.integration.api.conftest import eventually
from tests.integration.ui.conftest import Platform
from tests.integration.ui.monitoring.page import open_page, page_text, tables
from tests.support.programs import required
from tests.support.prometheus import running_prometheus
from ui import services
from ui.clients.api import ApiClient
from ui.clients.errors import ServiceError
from ui.clients.prometheus import PrometheusClient
from ui.monitoring.api_readings import ApiReadings
from ui.monitoring.queries import QUERIES
from ui.monitoring.snapshot import Snapshot, take
from ui.monitoring.window import Window

SCRAPE_SECONDS = 10
SECONDS = 3600

COUNTED: Mapping[str, float] = {
    'api_request_duration_seconds_count{job="api",route="/predict",status="200"}': 4.95,
    'api_request_duration_seconds_count{job="api",route="/predict",status="500"}': 0.05,
    'api_request_duration_seconds_bucket{job="api",route="/predict",le="0.01"}': 4.0,
    'api_request_duration_seconds_bucket{job="api",route="/predict",le="0.02"}': 5.0,
    'api_request_duration_seconds_bucket{job="api",route="/predict",le="+Inf"}': 5.0,
    'api_predictions_total{job="api",model_version="3",load_test="false"}': 20.0,
    'api_prediction_probability_bucket{job="api",le="0.1"}': 10.0,
    'api_prediction_probability_bucket{job="api",le="0.2"}': 20.0,
    'api_prediction_probability_bucket{job="api",le="+Inf"}': 20.0,
}
"""Counters, and how much they grow in a second."""

CONSTANT: Mapping[str, float] = {
    'model_served_version{job="api"}': 3,
    'warehouse_up{job="exporter"}': 1,
    'monitor_state{job="exporter"}': 1,
    'monitor_last_run_timestamp_seconds{job="exporter"}': 1_780_000_000,
    'monitor_window_predictions{job="exporter"}': 1234,
    'drift_state{job="exporter",kind="value",feature="race"}': 1,
    'drift_distance{job="exporter",kind="value",feature="race"}': 0.3,
    'drift_threshold{job="exporter",kind="value",feature="race"}': 0.1,
    'realised_quality{job="exporter",model_version="3",subgroup="all",metric="auroc",bound="value"}': 0.66,
    'realised_quality{job="exporter",model_version="3",subgroup="all",metric="auroc",bound="low"}': 0.63,
    'realised_quality{job="exporter",model_version="3",subgroup="all",metric="auroc",bound="high"}': 0.69,
    'realised_quality{job="exporter",model_version="3",subgroup="gender=Male",metric="auroc",bound="value"}': 0.1,
    'estimated_quality{job="exporter",model_version="3",metric="auroc"}': 0.65,
    'realised_outcomes{job="exporter",model_version="3"}': 812,
    'realised_coverage_ratio{job="exporter",model_version="3"}': 0.82,
}


def history(end: float) -> str:
    """An hour of all of them, in OpenMetrics."""
    moments = range(0, SECONDS + 1, SCRAPE_SECONDS)
    lines = [
        *(f"{name} {rate * at:.4f} {end - SECONDS + at:.3f}" for name, rate in COUNTED.items() for at in moments),
        *(f"{name} {value} {end - SECONDS + at:.3f}" for name, value in CONSTANT.items() for at in moments),
    ]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that has seen this hour, and has evaluated its rules."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    seen = folder / "history.txt"
    seen.write_text(history(time.time()))
    promtool = required("promtool", package="prometheus")
    fill = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(seen), str(folder / "data")]
    subprocess.run(fill, check=True, capture_output=True, timeout=120)
    with running_prometheus(folder, {}) as server:
        (address,) = server.values("up", "instance")
        eventually(lambda: "DriftDetected" in server.firing())
        eventually(lambda: bool(server.values("route:api_request_duration_seconds:p99_5m", "route")))
        yield f"http://{address}"


def snapshot_of(url: str, platform: Platform, window: Window) -> Snapshot:
    with PrometheusClient(url, 10) as prometheus, ApiClient(platform.url, 10) as api:
        return take(prometheus, api, ApiReadings(api), window)


def test_every_query_has_a_result(url: str, platform: Platform) -> None:
    snapshot = snapshot_of(url, platform, Window.HOUR)
    silent = [one.text for one in QUERIES if not {**snapshot.samples, **snapshot.lines}[one]]
    answers = [*snapshot.samples.values(), *snapshot.lines.values(), snapshot.rules]
    assert [answer for answer in answers if isinstance(answer, ServiceError)] == []
    assert silent == []


@pytest.mark.parametrize("window", Window)
def test_every_window_has_results(url: str, platform: Platform, window: Window) -> None:
    found = snapshot_of(url, platform, window)
    assert [one for one in found.lines.values() if isinstance(one, ServiceError)] == []
    assert found.prometheus_error is None


@pytest.fixture
def page(app: AppTest, platform: Platform, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The page before this Prometheus; its connections end with the test."""
    monkeypatch.setenv("PROMETHEUS_URL", url)
    open_page(app)
    with services.prometheus():
        yield app


def test_the_page_shows_what_was_counted(page: AppTest) -> None:
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures["Requests/s"] == "5.0"
    assert figures["Latency p95"] == "18 ms"  # 80 of 100 within 10 ms, all within 20: 10 + 10 * 15 / 20
    assert figures["Errors"] == "1.0%"
    assert int(figures["Alerts firing"]) >= 1
    risks = next(table for table in tables(page) if "In this window" in table.columns)
    assert list(risks["In this window"]) == ["50.0%", "50.0%"]
    words = page_text(page)
    assert "**These differ: Race: 0.300, drift from 0.100 on.**" in words
    assert "Version 3: 0.660, 95% interval 0.630 to 0.690." in words
    assert "Version 3: 812 outcomes are known, which is 82%" in words


def test_a_firing_alert_has_its_meaning_and_the_texts_of_its_rule(page: AppTest) -> None:
    words = page_text(page)
    assert "#### DriftDetected" in words
    assert "firing since" in words
    assert "The patients of the predictions differ from those of the training data." in words
    assert "The records sent to the model differ from its training data" in words
    assert "Alert on these values: ApiSlow, limit 500 ms." in words
    assert "Alert on these values: CalibrationOff, limit -0.200 / 0.200." in words
