# /// script
# requires-python = ">=3.11"
# dependencies = ["kserve==0.21.0"]
# ///
"""Calls the API with KServe's client: tensors are binary, or JSON with the argument "json"."""

import asyncio
import json
import os
import sys
from pathlib import Path

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

URL = os.environ.get("API_URL", "http://localhost:8000")
KEY = os.environ.get("API_KEY")
MODEL = "diabetes-readmission"
FULL = json.loads((Path(__file__).parent / "record.json").read_text())
SHORT = {name: FULL[name] for name in ("race", "gender", "age")}
BINARY = "json" not in sys.argv
HEADERS = {"X-API-Key": KEY} if KEY else None


async def risk(client: InferenceRESTClient, record: dict[str, str | int]) -> float:
    """The probability of readmission of one record; one input per field."""
    inputs = []
    for name, value in record.items():
        is_text = isinstance(value, str)
        tensor = InferInput(name, [1], "BYTES" if is_text else "INT64")
        tensor.set_data_from_numpy(np.array([value], dtype=object if is_text else np.int64), binary_data=BINARY)
        inputs.append(tensor)
    outputs = [RequestedOutput("probability", parameters={"binary_data": BINARY})]
    request = InferRequest(model_name=MODEL, infer_inputs=inputs, request_outputs=outputs)
    response = await client.infer(URL, request, model_name=MODEL, headers=HEADERS)
    return float(response.outputs[0].as_numpy()[0])


async def main() -> None:
    """Make every call."""
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    print(f"ready: {await client.is_model_ready(URL, MODEL, headers=HEADERS)}")
    print(f"three fields: {await risk(client, SHORT)}")
    print(f"all fields: {await risk(client, FULL)}")
    try:
        await risk(client, {"race": "Unheard of"})
    except httpx.HTTPStatusError as error:
        print(f"unknown value: {error.response.status_code} {error.response.json()['error']}")


asyncio.run(main())
