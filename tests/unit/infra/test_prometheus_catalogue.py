"""The catalogue of metrics against what our own services export."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import ApiSettings
from infra.exporter.airflow import AirflowReading, Component, DagState
from infra.exporter.collector import airflow_metrics, mlflow_metrics
from infra.exporter.mlflow import MlflowReading
from infra.exporter.warehouse import Run, WarehouseReading
from infra.exporter.warehouse_metrics import warehouse_metrics
from infra.prometheus.catalogue import CATALOGUE

ONLY_WITH_A_MODEL = {"model_loaded_timestamp_seconds"}


def _kinds(families: Iterable[Metric]) -> dict[str, str]:
    """Names and kinds as the catalogue writes them."""
    return {family.name + ("_total" if family.type == "counter" else ""): family.type for family in families}


def test_the_exporter_exports_what_the_catalogue_says() -> None:
    dag = DagState("ingest_diabetes", False, {"success": 1}, True, 1.0, None)
    airflow = AirflowReading({"scheduler": Component(True, 1.0)}, [dag], 0)
    mlflow = MlflowReading(True, 0.1, {"production": 1}, 1)
    now = datetime.now(UTC)
    warehouse = WarehouseReading(True, ingested_at=now, data_version_at=now, run=Run(1, now, 1000, "ok"))
    exported = _kinds([*airflow_metrics(airflow), *mlflow_metrics(mlflow), *warehouse_metrics(warehouse)])
    assert exported | {"exporter_scrape_errors_total": "counter"} == CATALOGUE["exporter"]


def test_the_api_exports_what_the_catalogue_says(tmp_path: Path) -> None:
    secrets = {"diabetes_db_password": "none", "prediction_log_key": "k" * 16}
    settings = ApiSettings.load(**secrets, api_cache_dir=tmp_path, _env_file=None)
    answer = TestClient(create_app(settings)).get("/metrics")
    exported = _kinds(text_string_to_metric_families(answer.text))
    expected = {name: kind for name, kind in CATALOGUE["api"].items() if name not in ONLY_WITH_A_MODEL}
    assert {name: exported.get(name) for name in expected} == expected
