"""A bundle, and windows of its predictions."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.core.bundle import Bundle
from ml.features.records import to_records
from ml.features.tables import patients, without_history
from ml.monitoring.window import Window
from ml.training.export import write_bundle
from ml.training.models import GRADIENT_BOOSTING, fit
from tests.integration.ml.registries import MANIFEST

WindowOf = Callable[..., Window]


@pytest.fixture(scope="session")
def bundle(train_table: pd.DataFrame, test_table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    model = fit(GRADIENT_BOOSTING, {"n_estimators": 20, "learning_rate": 0.3}, train_table, jobs=1)
    folder: Path = tmp_path_factory.mktemp("bundle")
    return write_bundle(model, test_table, MANIFEST, folder)


@pytest.fixture(scope="session")
def window_of(bundle: Bundle) -> WindowOf:
    """Makes the window of predictions for encounters; by default with the history known to the model."""

    def predict(encounters: pd.DataFrame, *, history: bool = True) -> Window:
        known = encounters if history else without_history(encounters)
        scores, now = bundle.predict(to_records(known)).astype(np.float64), datetime.now(UTC)
        versions = np.full(len(known), "1", dtype=object)
        people = patients(encounters).astype(object)
        return Window(now, now, without_history(encounters), versions, scores, people)

    return predict
