"""Findings: JSON round trip and invalid files."""

from dataclasses import replace

import numpy as np
import pytest

from ml.core.errors import BundleError
from ml.report.card import card
from ml.report.findings import Findings, from_json, to_json


def test_findings_round_trip_through_json(findings: Findings) -> None:
    assert from_json(to_json(findings)) == findings


def test_an_undefined_metric_round_trips_through_json(findings: Findings) -> None:
    unknown = {"value": float("nan"), "low": float("nan"), "high": float("nan")}
    loaded = from_json(to_json(replace(findings, metrics={**findings.metrics, "calibration_slope": unknown})))

    assert np.isnan(loaded.metrics["calibration_slope"]["value"])
    assert "–" in card(loaded)


@pytest.mark.parametrize("text", ["", "{}", '{"provenance": 1}'])
def test_invalid_findings_raise_a_bundle_error(text: str) -> None:
    with pytest.raises(BundleError, match=r"^The report of the version cannot be read: [^\n]+\.$"):
        from_json(text)
