"""Metrics of an analysis."""

import pandas as pd
import pytest

from ml.evaluation.bootstrap import evaluate
from ml.evaluation.metrics import ALL_METRICS, point_metrics
from ml.report.analysis.analyse import analyse
from ml.report.analysis.scored_test_set import ScoredTestSet
from ml.report.findings import Findings
from tests.unit.ml.report.provenance import PROVENANCE, SAMPLES


def test_every_metric_has_a_value_and_an_interval(findings: Findings, scored: ScoredTestSet) -> None:
    expected = point_metrics(scored.labels, scored.probabilities)

    assert set(findings.metrics) == set(findings.without_history) == set(findings.reference_metrics) == set(ALL_METRICS)
    assert {name: interval["value"] for name, interval in findings.metrics.items()} == pytest.approx(expected)


def test_known_metrics_are_not_computed_again(scored: ScoredTestSet, train_table: pd.DataFrame) -> None:
    known = evaluate(scored.labels, scored.probabilities, scored.patients, SAMPLES)
    marked = {**known, "auroc": {"value": 0.5, "low": 0.4, "high": 0.6}}

    assert analyse(scored, train_table, PROVENANCE, marked).metrics["auroc"] == marked["auroc"]
