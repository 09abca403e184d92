"""The merged metrics of several workers."""

import asyncio
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from api.telemetry.worker_metrics import WorkerMetrics, merge


def registry(count: int) -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("answers", "Answers, and {more}.", ["route"], registry=registry).labels('/a "quoted" {name}').inc(count)
    Gauge("waiting", "Waiting.", registry=registry).set(count)
    Histogram("seconds", "Time.", buckets=[1], registry=registry).observe(count)
    return registry


def values(text: str) -> dict[tuple[str, str], float]:
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, sample.labels["worker"]): sample.value for sample in samples if "le" not in sample.labels}


def test_every_series_has_the_label_of_its_worker() -> None:
    texts = {str(number): generate_latest(registry(number)).decode() for number in (3, 5)}

    merged = values(merge(texts).decode())

    assert {merged["answers_total", worker] for worker in texts} == {3, 5}
    assert {merged["waiting", worker] for worker in texts} == {3, 5}
    assert {merged["seconds_sum", worker] for worker in texts} == {3, 5}
    assert {merged["seconds_count", worker] for worker in texts} == {1}


def test_a_family_has_one_type_and_other_labels_are_unchanged() -> None:
    texts = {str(number): generate_latest(registry(number)).decode() for number in (3, 5)}

    text = merge(texts).decode()
    labels = [s.labels for f in text_string_to_metric_families(text) for s in f.samples if s.name == "answers_total"]

    assert text.count("# TYPE answers_total counter") == text.count("# HELP answers_total ") == 1
    assert labels == [{"worker": worker, "route": '/a "quoted" {name}'} for worker in texts]


def test_the_socket_of_a_killed_worker_is_ignored_and_deleted(tmp_path: Path) -> None:
    async def scrape() -> str:
        worker = WorkerMetrics(registry(3), tmp_path)
        await worker.start()
        gone = await asyncio.start_unix_server(lambda *_: None, tmp_path / "77.sock")
        gone.close()
        await gone.wait_closed()
        (tmp_path / "77.sock").touch()
        try:
            return (await worker.collect()).decode()
        finally:
            await worker.stop()

    assert len({worker for _, worker in values(asyncio.run(scrape()))}) == 1
    assert list(tmp_path.parent.glob(f"{tmp_path.name}/*.sock")) == []


@pytest.mark.parametrize("text", ["", "# HELP a A.\n# TYPE a gauge\na 1.0\n"])
def test_a_single_worker(text: str) -> None:
    assert merge({"7": text}).decode() == text.replace("a 1.0", 'a{worker="7"} 1.0')
