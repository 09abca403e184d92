# /// script
# requires-python = ">=3.11"
# dependencies = ["mlflow==3.17.2", "onnxruntime==1.32.0", "pydantic==2.14.4"]
# ///
"""Loads the model in production from MLflow and predicts without the API."""

import json
import os
from pathlib import Path

import mlflow
import pandas as pd

FOLDER = Path(__file__).parent
FULL = pd.DataFrame([json.loads((FOLDER / "record.json").read_text())])
SHORT = FULL[["race", "gender", "age"]]
# Otherwise pandas takes None (not measured) of the two laboratory columns for an unknown value.
FILE = pd.read_csv(FOLDER / "patients.csv", keep_default_na=False)

mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI", "http://localhost:5000"))
model = mlflow.pyfunc.load_model("models:/diabetes-readmission@production")

for name, table in (("three fields", SHORT), ("all fields", FULL), ("file", FILE)):
    print(f"{name}:", *model.predict(table))
try:
    model.predict(pd.DataFrame({"race": ["Unheard of"]}))
except mlflow.MlflowException as error:
    print(f"unknown value: {error.get_http_status_code()} {error.message}")
