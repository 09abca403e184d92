"""The Open Inference Protocol: descriptions, inference, Triton's extensions, and errors in its format."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.contract.requests import FIELD_NAMES
from ml.core.names import MODEL_NAME
from tests.integration.api.routes.inference import INFER, ok, tensors

EXTENSIONS = ["binary_tensor_data", "model_configuration"]


def test_the_inference_protocol_describes_service_model_and_tensors(client: TestClient) -> None:
    assert ok(client.get("/v2")) == {"name": "readmission-risk", "version": "1", "extensions": EXTENSIONS}
    assert ok(client.get("/v2/health/live")) == {"live": True}
    assert ok(client.get("/v2/health/ready")) == {"ready": True}
    for of_model in ("", "/versions/1"):
        described = ok(client.get(f"/v2/models/{MODEL_NAME}{of_model}"))
        assert (described["name"], described["versions"], described["platform"]) == (MODEL_NAME, ["1"], "onnx_onnxv1")
        assert [tensor["name"] for tensor in described["inputs"]] == list(FIELD_NAMES)
        assert {"name": "number_inpatient", "datatype": "INT64", "shape": [-1]} in described["inputs"]
        assert described["outputs"][0] == {"name": "probability", "datatype": "FP32", "shape": [-1]}
        assert ok(client.get(f"/v2/models/{MODEL_NAME}{of_model}/ready")) == {"name": MODEL_NAME, "ready": True}


def test_triton_clients_read_the_tensors_in_the_model_configuration(client: TestClient) -> None:
    for of_model in ("", "/versions/1"):
        configuration = ok(client.get(f"/v2/models/{MODEL_NAME}{of_model}/config"))
        assert (configuration["name"], configuration["max_batch_size"]) == (MODEL_NAME, 0)
        assert [tensor["name"] for tensor in configuration["input"]] == list(FIELD_NAMES)
        assert {"name": "race", "data_type": "TYPE_STRING", "dims": [-1], "optional": True} in configuration["input"]
        assert configuration["output"][0] == {"name": "probability", "data_type": "TYPE_FP32", "dims": [-1]}


def test_the_index_of_the_repository_holds_the_served_model(client: TestClient, start_api: Any, tmp_path: Any) -> None:
    empty = start_api(api_cache_dir=tmp_path / "other", mlflow_tracking_uri="http://127.0.0.1:9")

    assert ok(client.post("/v2/repository/index")) == [
        {"name": MODEL_NAME, "version": "1", "state": "READY", "reason": ""}
    ]
    assert ok(empty.post("/v2/repository/index", json={"ready": True})) == []


@pytest.mark.parametrize(
    ("path", "extension"),
    [
        ("models/stats", "statistics"),
        (f"models/{MODEL_NAME}/stats", "statistics"),
        (f"models/{MODEL_NAME}/versions/1/stats", "statistics"),
        (f"repository/models/{MODEL_NAME}/load", "model_repository"),
        ("trace/setting", "trace"),
        ("logging", "logging"),
        ("systemsharedmemory/region/r/register", "system_shared_memory"),
        ("cudasharedmemory/status", "cuda_shared_memory"),
    ],
)
def test_other_extensions_of_triton_are_named_as_not_supported(client: TestClient, path: str, extension: str) -> None:
    for method in ("GET", "POST"):
        answer = client.request(method, f"/v2/{path}")
        assert answer.status_code == 404
        assert answer.json()["error"].startswith(f"The extension '{extension}' is not supported; ")


def test_an_inference_names_model_version_and_request(client: TestClient) -> None:
    inputs = [{"name": "race", "shape": [2, 1], "datatype": "BYTES", "data": [["Asian"], [""]]}]

    answer = ok(client.post(INFER, json={"id": "42", "inputs": inputs}))
    unnamed = client.post(f"/v2/models/{MODEL_NAME}/versions/1/infer", json={"inputs": inputs})

    assert (answer["model_name"], answer["model_version"], answer["id"]) == (MODEL_NAME, "1", "42")
    assert ok(unnamed)["id"] == unnamed.headers["x-request-id"]
    assert [(tensor["name"], tensor["datatype"], tensor["shape"]) for tensor in answer["outputs"]] == [
        ("probability", "FP32", [2]),
        ("known_fields", "INT64", [2]),
        ("reliability", "FP64", [2]),
    ]
    assert answer["outputs"][1]["data"] == [1, 0]


def test_only_the_requested_outputs_are_returned(client: TestClient) -> None:
    request = {"inputs": tensors([{}]), "outputs": [{"name": "known_fields"}, {"name": "probability"}]}

    answer = ok(client.post(INFER, json=request))

    assert [tensor["name"] for tensor in answer["outputs"]] == ["known_fields", "probability"]


def tensor(**changes: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "time_in_hospital", "shape": [1], "datatype": "INT64", "data": [3], **changes}]}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "Inputs: field required"),
        ({"inputs": []}, "Inputs: list should have at least 1 item"),
        (tensor(name="colour"), "Unknown field 'colour'"),
        (tensor(datatype="BYTES"), "must have the datatype INT64, not 'BYTES'"),
        (tensor(shape=[2]), "must have the shape [n] or [n, 1], and n values"),
        (tensor(shape=[1, 1, 1]), "must have the shape [n] or [n, 1]"),
        (tensor(shape=[1, 1], data=[[3, 4]]), "Record 0: time_in_hospital must be"),
        (tensor(shape=[0], data=[]), "must hold 1 to 10000 records, not 0"),
        (tensor(data=[15]), "Record 0: time_in_hospital must be a whole number from 1 to 14"),
        (tensor(data=["3"]), "'3' is not"),
        (tensor(data=3), "Inputs.0.data: input should be a valid array"),
        ({"inputs": tensor()["inputs"] * 2}, "input 'time_in_hospital' is given twice"),
        ({"inputs": [*tensor()["inputs"], *tensors([{"race": "Asian"}] * 2)]}, "The inputs must have the same length"),
        ({**tensor(), "outputs": [{"name": "label"}]}, "Unknown output 'label'; there are probability,"),
    ],
)
def test_an_invalid_inference_is_a_400_with_an_error(client: TestClient, document: Any, message: str) -> None:
    answer = client.post(INFER, json=document)

    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert message.lower() in answer.json()["error"].lower()


@pytest.mark.parametrize("path", ["other", f"{MODEL_NAME}/versions/2", f"{MODEL_NAME}/versions/01"])
@pytest.mark.parametrize("what", ["", "/ready", "/infer"])
def test_another_model_or_version_is_a_404(client: TestClient, path: str, what: str) -> None:
    method = "POST" if what == "/infer" else "GET"

    answer = client.request(method, f"/v2/models/{path}{what}", json=tensor() if method == "POST" else None)

    assert answer.status_code == 404
    assert list(answer.json()) == ["error"]
