"""The catalogue of metrics equals what our own services export."""

import re
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import ApiSettings
from infra.exporter.metrics import FAMILIES
from tests.support.metrics import CATALOGUE, PAGE, Entry, entries
from tests.unit.infra.prometheus.prometheus_files import recorded

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
    secrets = {"api_db_password": "none", "prediction_log_key": "k" * 16}
    client = TestClient(create_app(ApiSettings.load(**secrets, api_cache_dir=folder, _env_file=None)))
    client.get("/health")
    return list(text_string_to_metric_families(client.get("/metrics").text))


def test_names_are_unique() -> None:
    names = [entry.name for entry in entries() if entry.name != "build_info"]  # every service of ours has that one
    assert sorted(names) == sorted(set(names))


def test_the_exporter_exports_the_catalogued_metrics() -> None:
    exported = {name: ("counter" if name.endswith("_total") else "gauge") for name in FAMILIES}
    assert exported == _catalogued(CATALOGUE["exporter"])
    assert {entry.name: entry.labels for entry in CATALOGUE["exporter"]} == {
        name: labels for name, (_, labels) in FAMILIES.items()
    }


def test_the_api_exports_the_catalogued_metrics(tmp_path: Path) -> None:
    exported = _kinds(_api(tmp_path))
    expected = {name: kind for name, kind in _catalogued(CATALOGUE["api"]).items() if name not in ONLY_WITH_A_MODEL}
    assert {name: exported.get(name) for name in expected} == expected


def test_labels_equal_the_catalogued_ones(tmp_path: Path) -> None:
    labels = {entry.name: set(entry.labels) for entry in entries()}
    for name, found in _labels(_api(tmp_path)).items():
        if name in labels:
            assert found == labels[name], name


def test_the_name_of_a_metric_follows_its_kind() -> None:
    for entry in entries():
        foreign = entry.name.startswith(("pg_", "node_", "container_"))
        assert foreign or (entry.kind == "counter") == entry.name.endswith("_total"), entry.name


def test_every_row_of_the_page_is_parsed() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert len(rows) == len(list(entries())) + len(recorded())


def test_the_page_lists_the_recorded_series() -> None:
    section = PAGE.read_text().partition("## Recorded series")[2]
    assert set(re.findall(r"^\| `([^`]+)`", section, re.M)) == recorded()
