# /// script
# requires-python = ">=3.11"
# dependencies = ["tritonclient[http]==2.73.0"]
# ///
"""Calls the API with Triton's HTTP client: tensors are binary, or JSON with the argument "json"."""

import json
import os
import sys
from pathlib import Path

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

URL = os.environ.get("API_URL", "http://localhost:8000")
KEY = os.environ.get("API_KEY")
MODEL = "diabetes-readmission"
FULL = json.loads((Path(__file__).parent / "record.json").read_text())
SHORT = {name: FULL[name] for name in ("race", "gender", "age")}
BINARY = "json" not in sys.argv
HEADERS = {"X-API-Key": KEY} if KEY else None

client = InferenceServerClient(URL.removeprefix("http://"))


def risk(record: dict[str, str | int]) -> float:
    """The probability of readmission of one record; one input per field."""
    inputs = []
    for name, value in record.items():
        is_text = isinstance(value, str)
        tensor = InferInput(name, [1], "BYTES" if is_text else "INT64")
        tensor.set_data_from_numpy(np.array([value], dtype=object if is_text else np.int64), binary_data=BINARY)
        inputs.append(tensor)
    outputs = [InferRequestedOutput("probability", binary_data=BINARY)]
    return float(client.infer(MODEL, inputs, outputs=outputs, headers=HEADERS).as_numpy("probability")[0])


print(f"three fields: {risk(SHORT)}")
print(f"all fields: {risk(FULL)}")
try:
    risk({"race": "Unheard of"})
except InferenceServerException as error:
    print(f"unknown value: {error.status()} {error.message()}")
metadata = client.get_model_metadata(MODEL, headers=HEADERS)
print(f"model: {metadata['name']} {metadata['versions'][0]}")
