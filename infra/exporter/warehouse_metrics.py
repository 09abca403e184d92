"""What was read of the ``diabetes`` database, as Prometheus metrics; what was not read, or is not there, is absent."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from infra.exporter.warehouse import Drift, Quality, Run, WarehouseReading

STATES = {"ok": 0, "drift": 1, "not_enough_data": -1}
"""How a state of the monitoring is written as a number."""


def warehouse_metrics(reading: WarehouseReading) -> Iterator[Metric]:
    """Metrics of one look at the database."""
    yield GaugeMetricFamily("warehouse_up", "1 when the diabetes database answered.", value=reading.up)
    yield from _data(reading)
    gate = CounterMetricFamily("gate_decisions", "Entries of the gate's ledger.", labels=["action"])
    for action, count in reading.gate.items():
        gate.add_metric([action], count)
    yield gate
    if reading.run is not None:
        yield from _run(reading.run)
    yield from _drift(reading.drift)
    yield from _quality(reading.quality)


def _data(reading: WarehouseReading) -> Iterator[Metric]:
    if reading.ingested_at is not None:
        yield GaugeMetricFamily(
            "ingestion_last_timestamp_seconds",
            "When data were last ingested that were not there yet.",
            value=reading.ingested_at.timestamp(),
        )
    rows = GaugeMetricFamily("ingestion_rows", "Rows of the last ingestion.", labels=["outcome"])
    for outcome, count in reading.rows.items():
        rows.add_metric([outcome], count)
    yield rows
    if reading.data_version_at is not None:
        yield GaugeMetricFamily(
            "data_version_created_timestamp_seconds",
            "When the data came in that training uses now.",
            value=reading.data_version_at.timestamp(),
        )


def _run(run: Run) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "monitor_last_run_timestamp_seconds", "When the monitoring last ended.", value=run.finished_at.timestamp()
    )
    yield GaugeMetricFamily("monitor_window_predictions", "Predictions that it compared.", value=run.predictions)
    yield GaugeMetricFamily("monitor_state", "Its outcome: 0 ok, 1 drift, -1 not enough data.", value=STATES[run.state])


def _drift(tests: Sequence[Drift]) -> Iterator[Metric]:
    labels = ["kind", "feature"]
    state = GaugeMetricFamily("drift_state", "0 ok, 1 drift, -1 not enough data.", labels=labels)
    distance = GaugeMetricFamily("drift_distance", "Jensen-Shannon distance from the reference.", labels=labels)
    threshold = GaugeMetricFamily("drift_threshold", "Distance from which on it is drift.", labels=labels)
    for test in tests:
        state.add_metric([test.kind, test.feature], STATES[test.state])
        if test.distance is not None:
            distance.add_metric([test.kind, test.feature], test.distance)
        if test.threshold is not None:
            threshold.add_metric([test.kind, test.feature], test.threshold)
    yield from (state, distance, threshold)


def _quality(rows: Sequence[Quality]) -> Iterator[Metric]:
    realised = GaugeMetricFamily(
        "realised_quality",
        "A metric by outcomes that are known, with its 95 % interval.",
        labels=["model_version", "subgroup", "metric", "bound"],
    )
    estimated = GaugeMetricFamily(
        "estimated_quality", "A metric as the probabilities alone promise it.", labels=["model_version", "metric"]
    )
    outcomes = GaugeMetricFamily(
        "realised_outcomes", "Predictions whose outcome is known and mature.", labels=["model_version"]
    )
    coverage = GaugeMetricFamily(
        "realised_coverage_ratio", "Share of the mature predictions whose outcome is known.", labels=["model_version"]
    )
    everybody = {row.model_version: row for row in rows if row.subgroup == "all" and not row.estimated}
    for row in rows:
        if not row.estimated:
            for bound, figure in (("value", row.value), ("low", row.low), ("high", row.high)):
                if figure is not None:
                    realised.add_metric([row.model_version, row.subgroup, row.metric, bound], figure)
        elif row.subgroup == "all" and row.value is not None:
            estimated.add_metric([row.model_version, row.metric], row.value)
    for version, row in everybody.items():
        outcomes.add_metric([version], row.records)
        coverage.add_metric([version], row.coverage)
    yield from (realised, estimated, outcomes, coverage)
