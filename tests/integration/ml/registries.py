"""Registered models for tests on a real MLflow server."""

from pathlib import Path
from typing import Any

import httpx
import pandas as pd

from ml.core.names import MODEL_NAME
from ml.registry.client import ModelVersion, Registry
from ml.training.export import write_bundle
from ml.training.models import RiskModel
from tests.support.completeness import COMPLETENESS

MANIFEST: dict[str, Any] = {
    "algorithm": "RandomForest",
    "data_source": "synthetic",
    "data_version": "0" * 64,
    "trained_at": "2026-01-02T03:04:05+00:00",
    "prevalence": 0.11,
    "risk_quantiles": tuple(i / 100 for i in range(101)),
    "metrics": {"auroc": {"value": 0.67, "low": 0.66, "high": 0.68}},
    "completeness": COMPLETENESS,
}


def empty(address: str) -> None:
    """Delete the registered model with all versions."""
    httpx.request("DELETE", f"{address}/api/2.0/mlflow/registered-models/delete", json={"name": MODEL_NAME})


def alias_answer(address: str, alias: str) -> httpx.Response:
    """MLflow's response for an alias."""
    return httpx.get(
        f"{address}/api/2.0/mlflow/registered-models/alias", params={"name": MODEL_NAME, "alias": alias}, timeout=30
    )


def register_bundle(registry: Registry, bundle: Path, provenance: str = "real") -> ModelVersion:
    """Register a bundle as a new version."""
    tags = {"data_source": provenance, "data_version": "0" * 64, "algorithm": "RandomForest", "fingerprint": "none"}
    with registry.run("test", tags):
        return registry.register(bundle, tags, "a version of the tests")


def bundle_of(model: RiskModel, test: pd.DataFrame, directory: Path) -> Path:
    """Write a model as a bundle."""
    write_bundle(model, test, MANIFEST, directory)
    return directory
