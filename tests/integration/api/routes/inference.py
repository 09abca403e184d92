"""Requests of the Open Inference Protocol."""

from typing import Any

from ml.core.names import MODEL_NAME
from ml.schema import BY_NAME

INFER = f"/v2/models/{MODEL_NAME}/infer"


def tensors(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = sorted({name for record in records for name in record} or {"race"})
    return [
        {
            "name": name,
            "shape": [len(records)],
            "datatype": "INT64" if BY_NAME[name].is_number else "BYTES",
            "data": [record.get(name) for record in records],
        }
        for name in names
    ]


def ok(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()
