from typing import Any

import pytest

from ui.charts import DARK, LIGHT, Bar, Palette, diverging, risk_in_cohort

EVEN = tuple(i / 100 for i in range(101))


def texts(spec: dict[str, Any]) -> set[str]:
    return {row["text"] for rows in spec["datasets"].values() for row in rows if "text" in row}


def test_the_chart_marks_the_patient_and_the_average() -> None:
    spec = risk_in_cohort(0.31, EVEN, 0.114).to_dict()
    assert texts(spec) == {"this patient 31.0%", "training average 11.4%"}


def test_bars_left_of_the_patient_are_the_lower_risks() -> None:
    spec = risk_in_cohort(0.5, EVEN, 0.1).to_dict()
    bars = next(rows for rows in spec["datasets"].values() if "share" in rows[0])
    assert all((row["side"] == "lower") == (row["low"] < 0.5) for row in bars)


def test_the_interval_is_drawn_within_the_axis() -> None:
    spec = risk_in_cohort(0.1, (0.0, 0.1, 0.2), 0.1, interval=(0.05, 0.4)).to_dict()
    assert {"low": 0.05, "high": 0.4} in [row for rows in spec["datasets"].values() for row in rows]
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"][1] > 0.4


def test_a_diverging_chart_keeps_the_order_and_names_the_directions() -> None:
    spec = diverging([Bar("Age", 0.03, "+3.0 points"), Bar("Race", -0.01, "−1.0 points")]).to_dict()
    rows = next(rows for rows in spec["datasets"].values() if "label" in rows[0])
    assert [(row["label"], row["direction"]) for row in rows] == [
        ("Age", "raises the risk"),
        ("Race", "lowers the risk"),
    ]
    low, high = spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low < -0.01
    assert high > 0.03


def test_a_diverging_chart_of_zeros_has_a_domain() -> None:
    low, high = diverging([Bar("Age", 0.0, "+0.0 points")]).to_dict()["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low < 0 < high


@pytest.mark.parametrize(("palette", "ground"), [(LIGHT, "#FFFFFF"), (DARK, "#12181F")])
def test_bars_have_the_contrast_of_wcag(palette: Palette, ground: str) -> None:
    assert contrast(palette.patient, ground) >= 3
    assert contrast(palette.lower, ground) >= 3


@pytest.mark.parametrize(("palette", "ground"), [(LIGHT, "#FFFFFF"), (DARK, "#12181F")])
def test_the_texts_of_the_chart_have_the_contrast_of_wcag_aa(palette: Palette, ground: str) -> None:
    assert contrast(palette.patient, ground) >= 4.5
    assert contrast(palette.average, ground) >= 4.5


def contrast(one: str, other: str) -> float:
    """Contrast ratio by WCAG 2.2."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
