"""The usual way to serve a scikit-learn model: FastAPI, a Pydantic model, a data frame, a pickle."""

import os
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel, create_model

from bench.serving.peers.predictions import predict_table
from ml.schema import FEATURES

_fields: dict[str, Any] = {column.name: ((int if column.is_number else str) | None, None) for column in FEATURES}
Encounter = create_model("Encounter", **_fields)


class PredictRequest(BaseModel):
    """Body of a request."""

    records: list[Encounter]


model = joblib.load(Path(os.environ["BENCH_FOLDER"]) / "model.joblib")
app = FastAPI()


@app.get("/ready")
def ready() -> dict[str, str]:
    """Readiness."""
    return {"status": "ready"}


@app.post("/predict")
def predict(body: PredictRequest) -> dict[str, list[float]]:
    """Probabilities."""
    table = pd.DataFrame([record.model_dump() for record in body.records])
    return {"predictions": predict_table(model, table)}
