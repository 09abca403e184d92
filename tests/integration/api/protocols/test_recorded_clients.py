"""Requests of Triton's, KServe's and MLServer's clients, recorded from the named versions as they left the client."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from httpx import Response

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("recordings.json").read_text())
KNOWN_RACE = [3, 2]
FORMATS = {"FP32": "<f4", "INT64": "<i8", "FP64": "<f8"}


def replay(client: TestClient, name: str) -> Response:
    recorded = RECORDED[name]
    content = base64.b64decode(recorded["body"])
    # The test client declares no type of its own for bytes, as Triton's client.
    return client.post(recorded["path"], content=content, headers=recorded["headers"])


def outputs_of(answer: Response) -> dict[str, list[float]]:
    """Values by output, read as the clients read them."""
    assert answer.status_code == 200, answer.text
    length = int(answer.headers.get("Inference-Header-Content-Length", len(answer.content)))
    document, rest = json.loads(answer.content[:length]), answer.content[length:]
    values = {}
    for tensor in document["outputs"]:
        if "data" in tensor:
            values[tensor["name"]] = tensor["data"]
            continue
        size = tensor["parameters"]["binary_data_size"]
        values[tensor["name"]] = np.frombuffer(rest[:size], FORMATS[tensor["datatype"]]).tolist()
        rest = rest[size:]
        assert len(values[tensor["name"]]) == tensor["shape"][0]
    assert rest == b""
    return values


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_request_is_scored(client: TestClient, name: str) -> None:
    records = [{"gender": "Male", "number_inpatient": 3}, {"gender": "Female", "number_inpatient": 0}]
    if "gap" in name:
        del records[1]["number_inpatient"]
    expected = client.post("/predict", json={"records": records}).json()["predictions"]

    values = outputs_of(replay(client, name))

    assert values["probability"] == pytest.approx(expected, abs=1e-7)


def test_a_recorded_request_gets_the_outputs_and_the_form_that_it_names(client: TestClient) -> None:
    all_binary = replay(client, "tritonclient 2.73.0: defaults")
    json_only = replay(client, "tritonclient 2.73.0: JSON both ways")
    mixed = replay(client, "tritonclient 2.73.0: a column of doubles with a gap, an output each way, an id")
    default = replay(client, "kserve 0.21.0: binary inputs")

    assert outputs_of(all_binary)["known_fields"] == KNOWN_RACE
    assert list(outputs_of(all_binary)) == ["probability", "known_fields", "reliability"]
    assert all_binary.headers["content-type"] == "application/octet-stream"
    assert list(outputs_of(json_only)) == ["probability"]
    assert json_only.headers["content-type"] == "application/json"
    assert "Inference-Header-Content-Length" not in json_only.headers
    assert list(outputs_of(mixed)) == ["probability", "known_fields"]
    assert outputs_of(mixed)["known_fields"] == [2, 1]
    head = mixed.content[: int(mixed.headers["Inference-Header-Content-Length"])]
    assert json.loads(head)["id"] == "t-7"
    assert ["data" in tensor for tensor in json.loads(head)["outputs"]] == [False, True]
    assert default.headers["content-type"] == "application/json"


def test_null_members_are_as_absent(client: TestClient) -> None:
    answer = replay(client, "kserve 0.21.0: a dictionary with null")

    assert answer.json()["id"] == answer.headers["x-request-id"]
    assert len(answer.json()["outputs"]) == 3
