"""Lines of the traffic panels in words and as a table."""

from ui.chart_specs import Series
from ui.monitoring.format import rate
from ui.monitoring.panels.traffic import summary, table


def test_lines_are_summarised_and_tabulated_with_their_gaps() -> None:
    lines = [Series("a", [(60.0, 1.0), (120.0, 3.0)]), Series("b", [(120.0, 2.0)])]
    assert summary(lines, "What.", rate) == "What. a: now 3.0, at most 3.0. b: now 2.0, at most 2.0."
    columns = table(lines, rate)
    assert columns["a"] == ["3.0", "1.0"]
    assert columns["b"] == ["2.0", "–"]
