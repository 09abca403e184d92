"""Findings on a small model, computed once for all tests of the report."""

import pandas as pd
import pytest

from ml.evaluation.baselines import BASELINES
from ml.features.tables import with_history
from ml.report.analysis.analyse import analyse, score_test_patients
from ml.report.analysis.scored_test_set import ScoredTestSet
from ml.report.findings import Findings
from ml.report.page import page
from tests.unit.ml.report.provenance import PROVENANCE


@pytest.fixture(scope="session")
def scored(train_table: pd.DataFrame, test_table: pd.DataFrame) -> ScoredTestSet:
    """Predictions of a logistic regression for the test patients."""
    train, test = with_history(train_table), with_history(test_table)
    return score_test_patients(BASELINES["logistic_regression"].fit(train), train, test)


@pytest.fixture(scope="session")
def findings(scored: ScoredTestSet, train_table: pd.DataFrame) -> Findings:
    return analyse(scored, train_table, PROVENANCE)


@pytest.fixture(scope="session")
def html(findings: Findings) -> str:
    return page(findings, "7")
