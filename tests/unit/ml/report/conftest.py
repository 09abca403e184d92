"""Findings of a real, small model, measured once for all tests of the report."""

import pandas as pd
import pytest

from ml.evaluation.baselines import BASELINES
from ml.features.tables import with_history
from ml.report.analysis.analyse import analyse, score_test_patients
from ml.report.findings import Findings, Judged
from ml.report.page import page
from tests.unit.ml.report.origin import PROVENANCE


@pytest.fixture(scope="session")
def judged(train_table: pd.DataFrame, test_table: pd.DataFrame) -> Judged:
    """A logistic regression, asked for every test patient."""
    train, test = with_history(train_table), with_history(test_table)
    return score_test_patients(BASELINES["logistic_regression"].fit(train), train, test)


@pytest.fixture(scope="session")
def findings(judged: Judged, train_table: pd.DataFrame) -> Findings:
    return analyse(judged, train_table, PROVENANCE)


@pytest.fixture(scope="session")
def html(findings: Findings) -> str:
    return page(findings, "7")
