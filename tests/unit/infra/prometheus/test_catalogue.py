"""The catalogue of metrics against what our own services export, and against its page."""

from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import ApiSettings
from infra.exporter.metrics import FAMILIES
from infra.notices.book import Book
from infra.notices.notification import Notification
from infra.prometheus.catalogue import CATALOGUE, Entry, entries
from infra.prometheus.page import PAGE, rendered

ONLY_WITH_A_MODEL = {"model_loaded_timestamp_seconds", "model_trained_timestamp_seconds"}


def _kinds(families: Iterable[Metric]) -> dict[str, str]:
    """Names and kinds as the catalogue writes them."""
    return {_name(family): family.type for family in families}


def _name(family: Metric) -> str:
    return family.name + ("_total" if family.type == "counter" else "")


def _labels(families: Iterable[Metric]) -> dict[str, set[str]]:
    """Labels of every metric that has a sample."""
    return {
        _name(family): {label for sample in family.samples for label in sample.labels} - {"le"}
        for family in families
        if family.samples
    }


def _catalogued(found: Iterable[Entry]) -> dict[str, str]:
    return {entry.name: entry.kind for entry in found}


def _api(folder: Path) -> list[Metric]:
    secrets = {"diabetes_db_password": "none", "prediction_log_key": "k" * 16}
    client = TestClient(create_app(ApiSettings.load(**secrets, api_cache_dir=folder, _env_file=None)))
    client.get("/health")
    return list(text_string_to_metric_families(client.get("/metrics").text))


def test_a_name_is_catalogued_once() -> None:
    names = [entry.name for entry in entries()]
    assert sorted(names) == sorted(set(names))


def test_the_exporter_exports_what_the_catalogue_says() -> None:
    exported = {name: ("counter" if name.endswith("_total") else "gauge") for name in FAMILIES}
    assert exported == _catalogued(CATALOGUE["exporter"])
    assert {entry.name: entry.labels for entry in CATALOGUE["exporter"]} == {
        name: labels for name, (_, labels) in FAMILIES.items()
    }


def test_the_api_exports_what_the_catalogue_says(tmp_path: Path) -> None:
    exported = _kinds(_api(tmp_path))
    expected = {name: kind for name, kind in _catalogued(CATALOGUE["api"]).items() if name not in ONLY_WITH_A_MODEL}
    assert {name: exported.get(name) for name in expected} == expected


def test_the_notices_export_what_the_catalogue_says() -> None:
    alert = {"status": "firing", "labels": {"alertname": "ApiDown"}, "startsAt": "2026-11-20T10:00:00Z"}
    book, registry = Book(), CollectorRegistry()
    book.note(Notification.model_validate({"receiver": "at-once", "alerts": [alert]}))
    registry.register(book)
    assert _kinds(registry.collect()) == _catalogued(CATALOGUE["notices"])
    assert _labels(registry.collect()) == {"alert_notifications_total": {"alertname", "status"}}


def test_labels_are_those_of_the_catalogue(tmp_path: Path) -> None:
    labels = {entry.name: set(entry.labels) for entry in entries()}
    for name, found in _labels(_api(tmp_path)).items():
        if name in labels:
            assert found == labels[name], name


def test_every_metric_has_a_meaning_and_names_follow_its_kind() -> None:
    for entry in entries():
        assert entry.meaning, entry.name
        foreign = entry.name.startswith(("pg_", "node_", "container_"))
        assert foreign or (entry.kind == "counter") == entry.name.endswith("_total"), entry.name


def test_the_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text() == rendered(), "run: python -m infra.prometheus.page"
