"""Provenance of the findings in tests."""

from typing import Final

from ml.report.findings import Provenance

SAMPLES: Final = 25
PROVENANCE: Final = Provenance(
    algorithm="Logistic regression",
    family="logistic_regression",
    parameters={"C": 1.0},
    data_source="real",
    delivered_by="file",
    data_version="d" * 64,
    code_version="c" * 64,
    trained_at="2026-01-02T03:04:05+00:00",
    samples=SAMPLES,
)
