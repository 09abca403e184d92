"""Number formats."""

from ml.report.formatting import number, percent, with_interval


def test_number_formats() -> None:
    assert with_interval({"value": 0.6694, "low": 0.657, "high": 0.681}) == "0.669 (0.657 to 0.681)"
    assert number(-0.0004) == "0.000"
    assert number(-0.25, 2) == "−0.25"
    assert percent(0.1159) == "11.6 %"
    assert percent(float("nan")) == number(float("nan")) == "–"
