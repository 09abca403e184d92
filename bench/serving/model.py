"""The model of all servers: a RandomForest as a bundle, a pickle, and an MLflow model."""

import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import joblib
import mlflow
import pandas as pd

from api.models.approvals import APPROVAL_FILE
from api.models.cache import ModelCache
from api.models.registry_client import RegisteredVersion
from bench.genuine import SEED, bundle_of, load_genuine
from bench.serving.peers.predictions import predict_table
from ml.core.bundle import MANIFEST_FILE, sha256_of
from ml.core.names import MODEL_NAME, SIGNING_KEY
from ml.core.signing.approval import Approval, sign
from ml.core.signing.keys import complete_pair, new_signing_key, read_signing_key
from ml.features.records import to_records
from ml.schema import FEATURE_NAMES
from ml.training.models import FAMILIES, RANDOM_FOREST, fit

LARGE_ROWS: Final = 10_000
QUICK_ROWS: Final = 15_000
PICKLE: Final = "model.joblib"
RECORDS: Final = "records.json"
MLFLOW: Final = "mlflow"
CACHE: Final = "cache"
BUNDLE: Final = "bundle"


def _approve(bundle: Path, keys: Path) -> None:
    """Sign the model of the cache, which no gate decided on."""
    (keys / SIGNING_KEY).write_text(new_signing_key())
    complete_pair(keys)
    approval = Approval(
        model=MODEL_NAME,
        version="1",
        manifest_sha256=sha256_of(bundle / MANIFEST_FILE),
        sequence=1,
        approved_at="2026-01-01T00:00:00+00:00",
        action="promoted",
        actor="bench",
    )
    (bundle / APPROVAL_FILE).write_text(sign(approval, read_signing_key(keys / SIGNING_KEY)))


class Served(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """The fitted model as an MLflow model."""

    def load_context(self, context: Any) -> None:
        """Read the pickle."""
        self.model = joblib.load(context.artifacts["model"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> list[float]:  # noqa: ARG002
        """One probability per row."""
        return predict_table(self.model, model_input)


def prepare(file: Path, folder: Path, *, quick: bool) -> dict[str, Any]:
    """Train the model unless the folder holds it already; returns its description."""
    about = folder / "about.json"
    if not about.exists():
        folder.mkdir(parents=True, exist_ok=True)
        about.write_text(json.dumps(_train(file, folder, quick=quick)))
    description: dict[str, Any] = json.loads(about.read_text())
    return description


def _train(file: Path, folder: Path, *, quick: bool) -> dict[str, Any]:
    data = load_genuine(file)
    train = data.train.sample(QUICK_ROWS, random_state=SEED) if quick else data.train
    model = fit(RANDOM_FOREST, {}, train, os.cpu_count() or 1)
    for part in (BUNDLE, CACHE):
        (folder / part).mkdir()
    bundle_of(model, RANDOM_FOREST, data.test, data.version, folder / BUNDLE)
    cache = ModelCache(folder / CACHE)  # where the service looks for its last good model
    with cache.scratch() as scratch:
        shutil.copytree(folder / BUNDLE, scratch, dirs_exist_ok=True)
        _approve(scratch, folder)
        cache.publish(RegisteredVersion(MODEL_NAME, "1", 0, "bench"), scratch)
    joblib.dump(model, folder / PICKLE)
    mlflow.pyfunc.save_model(folder / MLFLOW, python_model=Served(), artifacts={"model": str(folder / PICKLE)})
    complete = to_records(data.test.sample(LARGE_ROWS, random_state=SEED))
    records = [{name: record[name] for name in FEATURE_NAMES if name in record} for record in complete]
    (folder / RECORDS).write_text(json.dumps(records))
    return {"family": FAMILIES[RANDOM_FOREST].name, "training_rows": len(train), "data_version": data.version}
