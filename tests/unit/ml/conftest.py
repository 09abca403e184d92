"""A cohort and a fitted model of each family, made once for all files and worker processes."""

import pandas as pd
import pytest

from ml.core.reliability import ReliabilityCurve
from ml.evaluation.reliability_curve import estimate_reliability
from ml.training.models import FAMILIES, RiskModel, fit
from tests.support.made_once import made_once
from tests.unit.ml.tables import cohort

SMALL = {"random_forest": {"n_estimators": 12}, "gradient_boosting": {"n_estimators": 20}}


@pytest.fixture(scope="session")
def train_table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return made_once(tmp_path_factory, "train_table", lambda: cohort(4_000, seed=1))


@pytest.fixture(scope="session")
def test_table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return made_once(tmp_path_factory, "test_table", lambda: cohort(2_000, seed=2))


@pytest.fixture(scope="session", params=list(FAMILIES))
def fitted_family(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


# pytest discards these at every change of the family, that is twice in each file.
@pytest.fixture(scope="session")
def fitted(fitted_family: str, train_table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> RiskModel:
    """A fitted model of each family."""
    small = SMALL[fitted_family]
    return made_once(tmp_path_factory, fitted_family, lambda: fit(fitted_family, small, train_table, jobs=1))


@pytest.fixture(scope="session")
def curve(
    fitted_family: str, fitted: RiskModel, test_table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> ReliabilityCurve:
    """The reliability of that model."""
    name = f"curve-{fitted_family}"
    return made_once(tmp_path_factory, name, lambda: estimate_reliability(fitted.probabilities, test_table))
