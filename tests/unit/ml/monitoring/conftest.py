"""A model as it is served, and windows of what it was asked."""

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
    """The window that comes of asking about encounters; by default the past of their patients is known."""

    def ask(encounters: pd.DataFrame, *, past: bool = True) -> Window:
        asked = encounters if past else without_history(encounters)
        answers, now = bundle.predict(to_records(asked)).astype(np.float64), datetime.now(UTC)
        versions = np.full(len(asked), "1", dtype=object)
        people = patients(encounters).astype(object)
        return Window(now, now, without_history(encounters), versions, answers, people)

    return ask
