"""The model that everybody serves: the project's RandomForest, as a bundle, as a pickle, and as an MLflow model."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import joblib
import mlflow
import pandas as pd

from api.models.cache import ModelCache
from api.models.registry_client import RegisteredVersion
from bench.serving.peers.answers import answers
from ml.core.names import MODEL_NAME
from ml.data.cohort import cohort_of_file
from ml.data.split import TEST_PERCENT, bucket
from ml.evaluation.reliability_curve import estimate_reliability
from ml.features.records import to_records
from ml.features.tables import target, with_history
from ml.schema import FEATURE_NAMES, PATIENT_ID
from ml.training.export import write_bundle
from ml.training.models import FAMILIES, RANDOM_FOREST, fit

SEED: Final = 296
LARGE: Final = 10_000
QUICK_ROWS: Final = 15_000
PICKLE: Final = "model.joblib"
RECORDS: Final = "records.json"
MLFLOW: Final = "mlflow"
CACHE: Final = "cache"
BUNDLE: Final = "bundle"


class Served(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """The fitted model as MLflow serves it."""

    def load_context(self, context: Any) -> None:
        """Read the pickle."""
        self.model = joblib.load(context.artifacts["model"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> list[float]:  # noqa: ARG002
        """One probability per row."""
        return answers(self.model, model_input)


def prepare(file: Path, folder: Path, *, quick: bool) -> dict[str, Any]:
    """Train unless `folder` holds the model of this file already; returns what is to be said of it."""
    about = folder / "about.json"
    if not about.exists():
        folder.mkdir(parents=True, exist_ok=True)
        about.write_text(json.dumps(_make(file, folder, quick=quick)))
    told: dict[str, Any] = json.loads(about.read_text())
    return told


def _publish(folder: Path) -> None:
    """Put the bundle where the service finds its last good model."""
    cache = ModelCache(folder / CACHE)
    with cache.scratch() as scratch:
        for file in (folder / BUNDLE).iterdir():
            shutil.copy(file, scratch)
        cache.publish(RegisteredVersion(MODEL_NAME, "1", 0, "bench"), scratch)


def _make(file: Path, folder: Path, *, quick: bool) -> dict[str, Any]:
    cohort = cohort_of_file(file)
    table = with_history(cohort.table)
    testing = table[PATIENT_ID].map(bucket) < TEST_PERCENT
    training = table[~testing].sample(QUICK_ROWS, random_state=SEED) if quick else table[~testing]
    model = fit(RANDOM_FOREST, {}, training, os.cpu_count() or 1)
    test = table[testing].sample(2_000, random_state=SEED)
    manifest = {
        "algorithm": FAMILIES[RANDOM_FOREST].name,
        "data_source": "real",
        "data_version": cohort.version,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "prevalence": float(target(test).mean()),
        "risk_quantiles": (),
        "metrics": {},
        "completeness": estimate_reliability(model.probabilities, test),
    }
    for part in (BUNDLE, CACHE):
        (folder / part).mkdir()
    write_bundle(model, test, manifest, folder / BUNDLE)
    _publish(folder)
    joblib.dump(model, folder / PICKLE)
    mlflow.pyfunc.save_model(folder / MLFLOW, python_model=Served(), artifacts={"model": str(folder / PICKLE)})
    whole = to_records(table[testing].sample(LARGE, random_state=SEED))
    asked = [{name: record[name] for name in FEATURE_NAMES if name in record} for record in whole]
    (folder / RECORDS).write_text(json.dumps(asked))
    return {"family": FAMILIES[RANDOM_FOREST].name, "training_rows": len(training), "data_version": cohort.version}
