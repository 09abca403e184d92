from typing import Any

import pytest

from ui.charts import DARK, LIGHT, Palette, risk_in_cohort

EVEN = tuple(i / 100 for i in range(101))


def texts(spec: dict[str, Any]) -> set[str]:
    return {row["text"] for rows in spec["datasets"].values() for row in rows if "text" in row}


def test_the_chart_marks_the_patient_and_the_average() -> None:
    spec = risk_in_cohort(0.31, EVEN, 0.114).to_dict()
    assert texts(spec) == {"this patient 31.0%", "average 11.4%"}


def test_bars_left_of_the_patient_are_the_lower_risks() -> None:
    spec = risk_in_cohort(0.5, EVEN, 0.1).to_dict()
    bars = next(rows for rows in spec["datasets"].values() if "share" in rows[0])
    assert all((row["cohort"] == "lower") == (row["low"] < 0.5) for row in bars)


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
