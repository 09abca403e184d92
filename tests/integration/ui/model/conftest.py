"""The registry behind the Model page."""

import numpy as np
import pytest

from ml.core.policies.threshold_table import ThresholdTable
from ml.evaluation.baselines import BASELINES
from ml.report.analysis.analyse import score_test_patients
from ml.report.analysis.thresholds import threshold_table
from tests.integration.ui.conftest import Platform
from tests.integration.ui.registry import PROMOTED, REFUSED, FakeRegistry
from tests.unit.ml.tables import cohort


@pytest.fixture
def registry(platform: Platform) -> FakeRegistry:
    """Version 3 in production, version 4 refused, version 2 replaced, version 1 withdrawn."""
    found = FakeRegistry(aliases={"production": "3", "challenger": "4"})
    found.add("1", PROMOTED | {"gate.rolled_back": "2026-05-02T02:12:00+00:00"})
    found.add("2", PROMOTED | {"gate.replaced": "1"})
    found.add("3", PROMOTED | {"gate.replaced": "2", "gate.decided_at": "2026-05-04T02:12:00+00:00"})
    found.add("4", REFUSED)
    found.answer_on(platform)
    return found


@pytest.fixture(scope="session")
def table() -> ThresholdTable:
    """A table counted by the training's code."""
    encounters = cohort(2_400)
    train, test = encounters.iloc[:1_200], encounters.iloc[1_200:]
    scored = score_test_patients(BASELINES["number_inpatient"].fit(train), train, test)
    return threshold_table(scored, scored.probabilities.astype(np.float32), 30, None)
