"""What a trained version records about itself."""

import numpy as np
import pandas as pd
import pytest

from ml.core.bundle import Manifest
from ml.features.tables import target
from ml.training.manifest import flat_metrics, manifest_fields
from ml.training.models import RANDOM_FOREST, fit

TAGS = {"algorithm": "RandomForest", "data_source": "synthetic", "data_version": "d" * 64, "code_version": "c" * 64}
METRICS = {"auroc": {"value": 0.67, "low": 0.66, "high": 0.68}}


def test_the_manifest_describes_data_metrics_risks_and_reliability(
    train_table: pd.DataFrame, test_table: pd.DataFrame
) -> None:
    model = fit(RANDOM_FOREST, {"n_estimators": 3}, train_table, jobs=1, masked=0)
    risks = model.predict(test_table)
    manifest = manifest_fields(model, train_table, test_table, METRICS, TAGS)

    assert {*manifest, "texts", "numbers", "files"} == {
        field.alias or name for name, field in Manifest.model_fields.items()
    }
    assert [manifest[name] for name in ("algorithm", "data_source", "data_version")] == list(TAGS.values())[:3]
    assert manifest["prevalence"] == pytest.approx(target(train_table).mean())
    assert manifest["risk_quantiles"][::50] == pytest.approx((risks.min(), np.median(risks), risks.max()))
    assert manifest["metrics"] == METRICS
    assert manifest["completeness"].weights


def test_metrics_are_logged_with_the_ends_of_their_intervals() -> None:
    assert flat_metrics(METRICS) == {"auroc": 0.67, "auroc_low": 0.66, "auroc_high": 0.68}
