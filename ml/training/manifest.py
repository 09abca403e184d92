"""The records of a trained version: the fields of the bundle's manifest, and the metrics of the run."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from ml.evaluation.bootstrap import Interval
from ml.evaluation.reliability_curve import estimate_reliability
from ml.features.tables import target
from ml.training.models import RiskModel


def manifest_fields(
    model: RiskModel, train: pd.DataFrame, test: pd.DataFrame, metrics: Mapping[str, Interval], tags: Mapping[str, str]
) -> dict[str, Any]:
    """The keys of ``manifest.json`` that do not depend on the written files; see :class:`ml.core.bundle.Manifest`.

    ``metrics`` are those on the test encounters; ``tags`` are the version's.
    """
    risks = model.predict(test)
    return {
        **{name: tags[name] for name in ("algorithm", "data_source", "data_version")},
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "prevalence": float(target(train).mean()),
        "risk_quantiles": tuple(np.quantile(risks, np.linspace(0, 1, 101)).tolist()),
        "metrics": metrics,
        "completeness": estimate_reliability(model.probabilities, test),
    }


def flat_metrics(metrics: Mapping[str, Interval]) -> dict[str, float]:
    """Metrics under the names of the run: ``auroc``, ``auroc_low``, ``auroc_high`` and so on."""
    return {
        name if end == "value" else f"{name}_{end}": number
        for name, interval in metrics.items()
        for end, number in interval.items()
    }
