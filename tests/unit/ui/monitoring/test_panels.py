"""What the figures of the Monitoring page mean: scores beside the cohort, drift, realised quality, charts."""

import json
from typing import Any

import altair as alt
import httpx
import pytest

from infra.exporter.warehouse_metrics import STATES
from ml.schema import BY_NAME
from tests.unit.ui.test_charts import contrast
from ui.charts import DARK, LIGHT
from ui.clients.errors import InvalidResponse, ServerError, TimedOut
from ui.clients.prometheus import MAX_SECONDS, PrometheusClient, Sample, TimeSeries
from ui.model.metrics import label, meaning
from ui.monitoring import charts
from ui.monitoring.charts import Bar, Estimate, Names, Series
from ui.monitoring.drift import CODES, Finding, Kind, Run, State, findings, state_of
from ui.monitoring.format import duration, rate
from ui.monitoring.panels.drift import summary as drift_summary
from ui.monitoring.panels.quality import estimates
from ui.monitoring.panels.scores import Bucket, buckets, expected, median
from ui.monitoring.panels.traffic import summary
from ui.monitoring.panels.traffic import table as lines_table
from ui.monitoring.quality import METRICS, known_outcomes, table, versions, words

EVEN = tuple(i / 100 for i in range(101))
NAMES = Names("Feature", "Distance", "Distance", "Drift from here on")


def prometheus(status: int, body: Any, seen: list[httpx.Request] | None = None) -> PrometheusClient:
    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return httpx.Response(status, json=body)

    return PrometheusClient("http://prometheus:9090", 10, httpx.MockTransport(answer))


def result(*series: dict[str, Any]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "vector", "result": list(series)}}


def sample(value: float, **labels: str) -> Sample:
    return Sample(labels, value)


# --- The client --------------------------------------------------------------------------------------------------


def test_figures_that_are_no_numbers_are_left_out() -> None:
    client = prometheus(
        200, result(*({"metric": {"a": text}, "value": [1.5, text]} for text in ("2.5", "NaN", "+Inf")))
    )
    assert client.query("up") == (Sample({"a": "2.5"}, 2.5),)


def test_a_line_without_any_number_is_no_line() -> None:
    gaps = {"metric": {}, "values": [[1, "NaN"], [2, "3"]]}
    client = prometheus(200, result(gaps, {"metric": {"a": "b"}, "values": [[1, "NaN"]]}))
    assert client.query_range("up", 0, 2, 1) == (TimeSeries({}, ((2.0, 3.0),)),)


def test_prometheus_is_told_to_give_up_as_soon_as_the_page_does() -> None:
    seen: list[httpx.Request] = []
    prometheus(200, result(), seen).query("up")
    assert f"timeout={MAX_SECONDS}" in seen[0].content.decode()


def test_alerts_come_with_texts_and_since_when() -> None:
    alert = {
        "labels": {"alertname": "ApiDown", "severity": "critical"},
        "annotations": {"summary": "away"},
        "state": "firing",
        "activeAt": "2026-05-28T20:30:00.123456789Z",
        "value": "1e+00",
    }
    (found,) = prometheus(200, {"status": "success", "data": {"alerts": [alert]}}).alerts()
    assert (found.name, found.severity, found.state, found.active_at.minute) == ("ApiDown", "critical", "firing", 30)


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (503, {"status": "error", "errorType": "timeout", "error": "query timed out"}, TimedOut),
        (422, {"status": "error", "errorType": "execution", "error": "many-to-many"}, ServerError),
        (200, {"status": "success", "data": {"result": [{"metric": {}, "value": [1, "high"]}]}}, InvalidResponse),
    ],
)
def test_faults_of_prometheus_are_told_apart(status: int, body: Any, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        prometheus(status, body).query("up")


# --- Scores ------------------------------------------------------------------------------------------------------


def test_a_histogram_becomes_counts_between_its_bounds() -> None:
    found = buckets([sample(30, le="0.2"), sample(10, le="0.1"), sample(31, le="+Inf"), sample(31, le="1.0")])
    assert found == (Bucket(0, 0.1, 10), Bucket(0.1, 0.2, 20), Bucket(0.2, 1.0, 1))


@pytest.mark.parametrize("samples", [[], [sample(0, le="0.1"), sample(0, le="+Inf")], [sample(3)]])
def test_without_predictions_there_is_no_histogram(samples: list[Sample]) -> None:
    assert buckets(samples) == ()


def test_counts_that_prometheus_extrapolates_never_fall_below_nothing() -> None:
    found = buckets([sample(10.01, le="0.1"), sample(10.0, le="0.2"), sample(12.0, le="1.0")])
    assert min(bucket.count for bucket in found) == 0


def test_the_cohort_fills_the_same_buckets() -> None:
    shares = [expected(bucket, EVEN) for bucket in (Bucket(0, 0.25, 0), Bucket(0.25, 0.5, 0), Bucket(0.5, 1, 0))]
    assert shares == pytest.approx([0.25, 0.25, 0.5])


def test_the_median_lies_within_its_bucket() -> None:
    assert median([Bucket(0, 0.1, 10), Bucket(0.1, 0.3, 20)]) == pytest.approx(0.15)
    assert median([Bucket(0, 0.1, 0), Bucket(0.1, 0.3, 20)]) == pytest.approx(0.2)


# --- Drift -------------------------------------------------------------------------------------------------------


def test_states_are_read_as_the_exporter_writes_them() -> None:
    assert {state.value.replace(" ", "_"): code for code, state in CODES.items()} == STATES


@pytest.mark.parametrize(
    ("code", "database", "state"),
    [
        (1.0, 1.0, State.DRIFT),
        (0.0, 1.0, State.OK),
        (-1.0, None, State.NOT_ENOUGH_DATA),
        (None, 1.0, State.NO_RUN),
        (None, 0.0, State.DATABASE_AWAY),
        (None, None, State.NOT_WATCHED),
    ],
)
def test_no_run_is_told_apart_from_a_run_that_cannot_be_read(
    code: float | None, database: float | None, state: State
) -> None:
    assert state_of(code, database) is state


def test_drifted_features_come_first_then_the_nearest_to_drift() -> None:
    run = Run(
        State.DRIFT,
        tests=(
            Finding(Kind.VALUE, "race", State.OK, 0.01, 0.1),
            Finding(Kind.VALUE, "gender", State.OK, 0.09, 0.1),
            Finding(Kind.VALUE, "age", State.DRIFT, 0.2, 0.1),
            Finding(Kind.KNOWN, "age", State.OK, 0.05, 0.1),
        ),
    )
    assert [test.feature for test in run.of(Kind.VALUE)] == ["age", "gender", "race"]
    assert run.drifted == 1


def test_a_test_without_a_distance_or_a_threshold_is_kept_and_an_unknown_kind_passed_over() -> None:
    labels = {"kind": "value", "feature": "age"}
    found = findings([Sample(labels, -1), sample(1, kind="later", feature="age")], [], [])
    assert found == (Finding(Kind.VALUE, "age", State.NOT_ENOUGH_DATA),)
    assert found[0].nearness == 0


def test_features_bear_the_labels_of_the_schema() -> None:
    assert Finding(Kind.VALUE, "race", State.OK).label == BY_NAME["race"].label
    assert Finding(Kind.SCORE, "probability", State.OK).label == "Predicted risk"


def test_what_drifts_is_named_with_distance_and_threshold() -> None:
    drifted = Finding(Kind.VALUE, "race", State.DRIFT, 0.2, 0.1)
    assert drift_summary([drifted]) == "These differ: Race: 0.200, drift from 0.100 on."
    assert drift_summary([]) == "None differs by more than chance."


# --- Realised quality --------------------------------------------------------------------------------------------


def realised(version: str, metric: str, **bounds: float) -> list[Sample]:
    return [sample(value, model_version=version, metric=metric, bound=bound) for bound, value in bounds.items()]


def test_versions_stand_newest_first_with_all_that_is_known_of_them() -> None:
    figures = [*realised("9", "auroc", value=0.6, low=0.5, high=0.7), *realised("10", "auroc", value=0.7)]
    found = versions(
        figures,
        [sample(0.65, model_version="10", metric="auroc")],
        [sample(120, model_version="9")],
        [sample(0.5, model_version="9")],
    )
    assert [one.name for one in found] == ["10", "9"]
    assert (found[1].realised["auroc"].high, found[1].outcomes, found[1].coverage) == (0.7, 120, 0.5)
    assert [(one.name, one.low) for one in estimates("auroc", found)] == [
        ("Version 10, estimate", None),
        ("Version 9", 0.5),
    ]


def test_an_estimate_is_never_told_as_a_measurement() -> None:
    found = versions([], [sample(0.65, model_version="3", metric="auroc")], [], [])
    assert words("auroc", found).startswith("AUROC. Version 3, estimated without outcomes: 0.650.")
    row = {name: column[0] for name, column in table(found, {"auroc": 0.67}, "3").items()}
    assert (row["Realised"], row["95% interval"], row["Estimated without outcomes"]) == ("–", "–", "0.650")
    assert row["On test patients"] == "0.670"


def test_coverage_is_told_where_it_is_known() -> None:
    (one,) = versions([], [], [sample(1, model_version="3")], [])
    assert known_outcomes(one) == "Version 3: 1 outcome is known."


def test_every_figure_that_is_realised_has_its_name() -> None:
    from ml.monitoring.quality import REALISED

    assert set(METRICS) == set(REALISED)
    assert all(label(metric) != metric and meaning(metric) for metric in METRICS)


# --- Figures, lines and charts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0042, "4.2 ms"), (0.0184, "18 ms"), (0.9996, "1,000 ms"), (1.25, "1.25 s")]
)
def test_short_times_are_milliseconds(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("per_second", "text"), [(0.25, "0.25"), (12.42, "12.4"), (1340.0, "1,340")])
def test_rates_have_as_many_digits_as_they_need(per_second: float, text: str) -> None:
    assert rate(per_second) == text


def test_lines_are_summed_up_and_tabled_with_their_gaps() -> None:
    lines = [Series("a", [(60.0, 1.0), (120.0, 3.0)]), Series("b", [(120.0, 2.0)])]
    assert summary(lines, "What.", rate) == "What. a: now 3.0, at most 3.0. b: now 2.0, at most 2.0."
    told = lines_table(lines, rate)
    assert told["a"] == ["3.0", "1.0"]
    assert told["b"] == ["2.0", "–"]


SPECS = {
    "over time": charts.over_time([Series("p50", [(60.0, 1.0)]), Series("p99", [(60.0, 2.0)])], "ms", LIGHT, limit=1.0),
    "shares": charts.shares([Bar("0 to 10", 0.5, 0.4), Bar("10 to 20", 0.5, None)], NAMES, LIGHT),
    "lengths": charts.lengths([Bar("Age", 0.2, 0.1)], NAMES, LIGHT),
    "intervals": charts.intervals([Estimate("Version 3", 0.6, 0.5, 0.7), Estimate("e", 0.6)], "AUROC", LIGHT, [0.62]),
}
every_chart = pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))


@every_chart
def test_a_chart_is_sound_vega_lite(spec: charts.Spec) -> None:
    rows = json.loads(spec["datasets"]["rows"].to_json(orient="records"))
    alt.LayerChart.from_dict(spec | {"datasets": {"rows": rows}}, validate=True)
    assert rows


@every_chart
def test_a_chart_reads_only_columns_that_its_rows_have(spec: charts.Spec) -> None:
    layers = [layer for layer in spec["layer"] if "data" not in layer]
    given = (channel for layer in layers for channel in layer["encoding"].values())
    fields = {one["field"] for channel in given for one in (channel if isinstance(channel, list) else [channel])}
    assert fields <= set(spec["datasets"]["rows"].columns)


def test_a_refresh_with_the_same_names_keeps_the_layout() -> None:
    one, other = (charts.lengths([Bar("Age", value, 0.1)], NAMES, DARK) for value in (0.2, 0.3))
    assert one["layer"] is other["layer"]
    assert one["datasets"]["rows"]["value"].tolist() != other["datasets"]["rows"]["value"].tolist()


def test_no_two_lines_look_alike() -> None:
    lines = [Series(str(number), [(60.0, 1.0)]) for number in range(6)]
    encoding = charts.over_time(lines, "unit", LIGHT)["layer"][0]["encoding"]
    looks = zip(encoding["color"]["scale"]["range"], map(str, encoding["strokeDash"]["scale"]["range"]), strict=True)
    assert len(set(looks)) == len(lines)


@pytest.mark.parametrize(("palette", "ground"), [(LIGHT, "#FFFFFF"), (DARK, "#12181F")])
def test_lines_and_marks_have_the_contrast_of_graphical_objects(palette: Any, ground: str) -> None:
    assert all(contrast(colour, ground) >= 3 for colour in (palette.lower, palette.patient, palette.average))
