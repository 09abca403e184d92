"""A cohort and a fitted model of each family, made once."""

import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from ml.features import model_inputs, target
from ml.models import FAMILIES, build
from tests.unit.ml.tables import cohort

SMALL = {"random_forest": {"n_estimators": 12}, "gradient_boosting": {"max_iter": 20}}


@pytest.fixture(scope="session")
def train_table() -> pd.DataFrame:
    return cohort(4_000, seed=1)


@pytest.fixture(scope="session")
def test_table() -> pd.DataFrame:
    return cohort(2_000, seed=2)


@pytest.fixture(scope="session", params=list(FAMILIES))
def fitted(request: pytest.FixtureRequest, train_table: pd.DataFrame) -> Pipeline:
    """A fitted pipeline; each test that asks for it runs with both families."""
    pipeline = build(request.param, SMALL[request.param], jobs=1)
    return pipeline.fit(model_inputs(train_table), target(train_table))
