"""What people usually write: FastAPI, a Pydantic model, a data frame, and the model out of a pickle."""

import os
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel, create_model

from bench.serving.peers.answers import answers
from ml.schema import FEATURES

_fields: dict[str, Any] = {column.name: ((int if column.is_number else str) | None, None) for column in FEATURES}
Encounter = create_model("Encounter", **_fields)


class Asked(BaseModel):
    """A request."""

    records: list[Encounter]


class Answered(BaseModel):
    """An answer."""

    predictions: list[float]


model = joblib.load(Path(os.environ["BENCH_FOLDER"]) / "model.joblib")
app = FastAPI()


@app.get("/ready")
def ready() -> dict[str, str]:
    """It answers."""
    return {"status": "ready"}


@app.post("/predict")
def predict(asked: Asked) -> Answered:
    """Probabilities."""
    return Answered(predictions=answers(model, pd.DataFrame([record.model_dump() for record in asked.records])))
