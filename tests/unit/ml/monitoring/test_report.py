"""Drift report: its contents, and that the page is self-contained."""

import re
from datetime import UTC, datetime

import numpy as np

from ml.monitoring.drift import Comparison, Kind, overall_state, run_tests
from ml.monitoring.findings import MonitoringRun
from ml.monitoring.report import page
from tests.unit.ml.report.test_page import Outline

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)
SHIFTED = Comparison(
    Kind.VALUE, "admission_type_id", ("1", "2", "<b>"), np.array([100, 800, 100]), np.array([50_000, 20_000, 1])
)
QUIET = Comparison(Kind.KNOWN, "race", ("given", "not given"), np.array([980, 20]), np.array([77_000, 2_000]))
FEW = Comparison.untestable(Kind.SCORE, "probability", 12)


def page_of(*comparisons: Comparison) -> str:
    findings = run_tests(comparisons)
    state = overall_state(finding.state for finding in findings)
    details = {"notes": ["A note with <angles>."]}
    return page(MonitoringRun(0, "7", "abc" * 20, START, END, 1_000, state, findings, details), comparisons)


def test_features_in_drift_are_shown_with_their_values_and_labels() -> None:
    html = page_of(SHIFTED, QUIET, FEW)
    changed = html[html.index('id="changes"') : html.index('id="tests"')]

    assert "<h1>Drift</h1>" in html
    assert "1 of 3 tests are in drift" in html
    assert "Admission type · Values" in changed
    assert "2: Urgent" in changed
    assert "80.0 %" in changed
    assert "Race" not in changed


def test_every_test_is_listed_with_its_state() -> None:
    html = page_of(SHIFTED, QUIET, FEW)
    listed = html[html.index('id="tests"') :]

    for text in ("Admission type", "Race", "Probability of readmission", "no drift", "not enough data", ">drift<"):
        assert text in listed


def test_a_run_without_drift_has_no_section_of_changes() -> None:
    html = page_of(QUIET, FEW)

    assert "<h1>No drift</h1>" in html
    assert 'id="changes"' not in html
    assert "<h1>Not enough data</h1>" in page_of(FEW)


def test_texts_are_escaped_and_the_page_loads_nothing() -> None:
    html = page_of(SHIFTED)
    outline = Outline(html)

    assert "<b>" not in html
    assert "A note with &lt;angles&gt;." in html
    assert outline.addresses == []
    assert not {"script", "link", "img", "iframe"} & set(outline.tags)
    assert not re.search(r"url\((?!#)|@import", html)
