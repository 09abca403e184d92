"""A cohort and a fitted model of each family, shared by the session."""

import pandas as pd
import pytest

from ml.training.models import FAMILIES, RiskModel, fit
from tests.unit.ml.tables import cohort

SMALL = {"random_forest": {"n_estimators": 12}, "gradient_boosting": {"n_estimators": 20}}


@pytest.fixture(scope="session")
def train_table() -> pd.DataFrame:
    return cohort(4_000, seed=1)


@pytest.fixture(scope="session")
def test_table() -> pd.DataFrame:
    return cohort(2_000, seed=2)


@pytest.fixture(scope="session", params=list(FAMILIES))
def fitted(request: pytest.FixtureRequest, train_table: pd.DataFrame) -> RiskModel:
    """A fitted model of each family."""
    return fit(request.param, SMALL[request.param], train_table, jobs=1)
