"""Robustness to masked fields."""

from ml.report.findings import Findings


def test_masking_fields_reduces_the_auroc(findings: Findings) -> None:
    by_label = {row.label: row for row in findings.robustness}

    assert by_label["Everything"].auroc == findings.metrics["auroc"]
    assert [row.hidden for row in findings.robustness if row.hidden is not None] == [0.0, 0.25, 0.5, 0.75, 0.9]
    assert by_label["10 % of the fields, at random"].auroc["value"] < by_label["Everything"].auroc["value"]
