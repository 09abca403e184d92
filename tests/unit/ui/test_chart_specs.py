"""Specifications of lines, bars and intervals."""

import json
from typing import Any

import altair as alt
import pytest

from tests.unit.ui.test_charts import contrast
from ui import chart_specs
from ui.chart_specs import Bar, BarTitles, Estimate, Series, Spec
from ui.charts import DARK, LIGHT

TITLES = BarTitles("Feature", "Distance", "Distance", "Drift threshold")
BARS = [Bar("0 to 10", 0.5, 0.4), Bar("10 to 20", 0.5, None)]
SPECS = {
    "lines": chart_specs.over_time(
        [Series("p50", [(60.0, 1.0)]), Series("p99", [(60.0, 2.0)])], "ms", LIGHT, limits=[1.0]
    ),
    "vertical bars": chart_specs.bars(BARS, TITLES, LIGHT),
    "horizontal bars": chart_specs.bars(BARS, TITLES, LIGHT, ".3f", is_horizontal=True),
    "intervals": chart_specs.intervals(
        [Estimate("Version 3", 0.6, 0.5, 0.7), Estimate("e", 0.6)], "AUROC", LIGHT, [0.62]
    ),
}
every_chart = pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))


@every_chart
def test_a_chart_is_valid_vega_lite(spec: Spec) -> None:
    rows = json.loads(spec["datasets"]["rows"].to_json(orient="records"))
    alt.LayerChart.from_dict(spec | {"datasets": {"rows": rows}}, validate=True)
    assert rows


@every_chart
def test_a_chart_reads_only_columns_of_its_rows(spec: Spec) -> None:
    layers = [layer for layer in spec["layer"] if "data" not in layer]
    channels = (channel for layer in layers for channel in layer["encoding"].values())
    fields = {one.get("field") for channel in channels for one in (channel if isinstance(channel, list) else [channel])}
    assert fields - {None} <= set(spec["datasets"]["rows"].columns)


def test_a_refresh_changes_the_rows_only() -> None:
    one, other = (chart_specs.bars([Bar("Age", value, 0.1)], TITLES, DARK) for value in (0.2, 0.3))
    assert one.pop("datasets")["rows"]["value"].tolist() != other.pop("datasets")["rows"]["value"].tolist()
    assert one == other


@pytest.mark.parametrize(("name", "channel"), [("lines", "y"), ("intervals", "x")])
def test_a_limit_is_one_line_with_data_of_its_own(name: str, channel: str) -> None:
    rule = SPECS[name]["layer"][-1]
    assert rule["data"] == {"values": [{}]}
    assert rule["encoding"][channel]["datum"] in {1.0, 0.62}


def test_no_two_lines_look_alike() -> None:
    lines = [Series(str(number), [(60.0, 1.0)]) for number in range(6)]
    encoding = chart_specs.over_time(lines, "unit", LIGHT)["layer"][0]["encoding"]
    looks = zip(encoding["color"]["scale"]["range"], map(str, encoding["strokeDash"]["scale"]["range"]), strict=True)
    assert len(set(looks)) == len(lines)


def test_two_intervals_have_room() -> None:
    # The height is that of the whole chart: title and axis take a good half of it.
    rows = [Estimate(name, 0.69, 0.68, 0.70) for name in ("Version 2", "Version 1")]
    assert chart_specs.intervals(rows, "AUROC", LIGHT)["height"] >= 140


@pytest.mark.parametrize(("palette", "ground"), [(LIGHT, "#FFFFFF"), (DARK, "#12181F")])
def test_lines_and_marks_have_the_contrast_of_graphical_objects(palette: Any, ground: str) -> None:
    assert all(contrast(colour, ground) >= 3 for colour in (palette.lower, palette.patient, palette.average))
