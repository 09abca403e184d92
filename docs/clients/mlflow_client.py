# /// script
# requires-python = ">=3.11"
# dependencies = ["mlflow-skinny==3.17.2", "pandas==3.1.1", "scipy==1.17.1"]
# ///
"""Calls the API with MLflow's client for served models."""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

URL = urlsplit(os.environ.get("API_URL", "http://localhost:8000"))
FOLDER = Path(__file__).parent
FULL = pd.DataFrame([json.loads((FOLDER / "record.json").read_text())])
SHORT = FULL[["race", "gender", "age"]]
# Without na_filter pandas would take the laboratory value None (not measured) for an unknown one.
FILE = pd.read_csv(FOLDER / "patients.csv", dtype={"diag_1": str}, keep_default_na=False, na_values=["", "?"])

client = ScoringServerClient(URL.hostname, URL.port)
client.wait_server_ready(timeout=10)

for name, table in (("three fields", SHORT), ("all fields", FULL), ("file", FILE)):
    print(f"{name}:", *client.invoke(table).get_predictions()[0])
try:
    client.invoke(pd.DataFrame({"race": ["Unheard of"]}))
except Exception as error:  # noqa: BLE001  the client raises no narrower one
    print(f"unknown value: {error}")
