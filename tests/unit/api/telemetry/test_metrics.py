"""The histogram of probabilities, labels and process metrics."""

import numpy as np

from api.telemetry.metrics import Metrics, ProbabilityHistogram


def samples(histogram: ProbabilityHistogram) -> dict[str, float]:
    (family,) = histogram.collect()
    return {sample.labels.get("le", sample.name): sample.value for sample in family.samples}


def test_a_batch_counts_like_its_single_values() -> None:
    values = np.array([0.0, 0.02, 0.020001, 0.1, 0.5, 0.99, 1.0], dtype=np.float32)
    batch, single = ProbabilityHistogram(), ProbabilityHistogram()

    batch.observe(values)
    for value in values:
        single.observe(np.array([value]))

    counted = samples(batch)
    assert {name: counted[name] for name in counted if not name.endswith("_sum")} == {
        name: value for name, value in samples(single).items() if not name.endswith("_sum")
    }
    assert counted["+Inf"] == counted["api_prediction_probability_count"] == 7
    assert abs(counted["api_prediction_probability_sum"] - float(values.sum())) < 1e-6


def test_an_unknown_method_does_not_become_a_label() -> None:
    metrics = Metrics()

    metrics.observe_request("BREW-1234", "/predict", 405, 0.1)

    labels = {"method": "OTHER", "route": "/predict", "status": "405"}
    assert metrics.registry.get_sample_value("api_request_duration_seconds_count", labels) == 1


def test_process_and_garbage_collector_metrics_are_included() -> None:
    names = {family.name for family in Metrics().registry.collect()}

    assert {"process_cpu_seconds", "process_resident_memory_bytes", "python_gc_collections"} <= names
