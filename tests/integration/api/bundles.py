"""Small valid bundles: a logistic graph over three of the inputs."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from ml.core.bundle import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE, NUMBERS, OUTPUT, TEXTS, sha256_of
from ml.core.reliability import UNITS, ReliabilityCurve
from ml.schema import EXAMPLE_RECORD

INPATIENT_WEIGHT = 0.4
EARLIER_WEIGHT = 0.3
FEMALE_WEIGHT = 0.1
RELIABILITY_CURVE = ReliabilityCurve(
    weights=dict.fromkeys(UNITS, 1 / len(UNITS)),
    information=(0.0, 0.5, 1.0),
    auroc=((0.5, 0.6, 0.7), (0.5, 0.6, 0.7)),
    risk_edges=(0.1, 0.2),
    low=(((-1.0, -1.0, -1.0), (-0.5, -0.5, -0.5), (0.0, 0.0, 0.0)),) * 2,
    high=(((1.0, 1.0, 1.0), (0.5, 0.5, 0.5), (0.0, 0.0, 0.0)),) * 2,
    coverage=0.91,
)
"""The range narrows to nothing as more fields are known."""
RECORDS: list[dict[str, Any]] = [
    {},
    EXAMPLE_RECORD,
    {"gender": "Male", "number_inpatient": 3},
    {"gender": "Female"},
    {"number_inpatient": 50, "race": None},
]
"""Records for requests. The golden requests below also have an input that the service looks up."""


def expected(record: dict[str, Any], bias: float) -> float:
    """The prediction of the graph, computed independently."""
    score = bias + INPATIENT_WEIGHT * (record.get("number_inpatient") or 0)
    score += EARLIER_WEIGHT * (record.get("earlier_stays") or 0)
    score += FEMALE_WEIGHT * (record.get("gender") == "Female")
    return float(1 / (1 + np.exp(-score)))


def write_bundle(directory: Path, bias: float = -2.0, *, golden_shift: float = 0.0, without: str = "") -> Path:
    """Write a bundle.

    Args:
        directory: is created.
        bias: intercept; differs between bundles.
        golden_shift: added to every golden answer; makes the replay fail.
        without: a text feature without an input of the graph; makes the check fail.
    """
    directory.mkdir(parents=True)
    texts = tuple(name for name in TEXTS if name != without)
    onnx.save(_graph(bias, texts), str(directory / MODEL_FILE))
    golden = [
        {"record": record, "probability": expected(record, bias) + golden_shift}
        for record in [*RECORDS, {"earlier_stays": 2}]
    ]
    (directory / GOLDEN_FILE).write_text(json.dumps({"requests": golden}))
    seal(directory, texts)
    return directory


def seal(directory: Path, texts: tuple[str, ...] = TEXTS) -> None:
    """Write the manifest for the two other files."""
    interval = {"value": 0.67, "low": 0.66, "high": 0.68}
    manifest = {
        "algorithm": "logistic",
        "data_source": "synthetic",
        "data_version": "0123456789ab",
        "trained_at": "2026-01-02T03:04:05Z",
        "prevalence": 0.11,
        "risk_quantiles": [index / 100 for index in range(101)],
        "metrics": dict.fromkeys(("auroc", "average_precision", "brier", "ece"), interval),
        "completeness": asdict(RELIABILITY_CURVE),
        "texts": texts,
        "numbers": NUMBERS,
        "files": {name: sha256_of(directory / name) for name in (MODEL_FILE, GOLDEN_FILE)},
    }
    (directory / MANIFEST_FILE).write_text(json.dumps(manifest))


def _graph(bias: float, texts: tuple[str, ...]) -> onnx.ModelProto:
    nodes = [
        _column("number_inpatient", "numbers", NUMBERS),
        _column("earlier_stays", "numbers", NUMBERS),
        _column("gender", "texts", texts),
        *_weighted("number_inpatient"),
        *_weighted("earlier_stays"),
        helper.make_node(
            "LabelEncoder", ["gender"], ["gender_part"], domain="ai.onnx.ml",
            keys_strings=["Female"], values_floats=[FEMALE_WEIGHT], default_float=0.0,
        ),
        helper.make_node("Sum", ["number_inpatient_part", "earlier_stays_part", "gender_part", "bias"], ["score"]),
        helper.make_node("Sigmoid", ["score"], [OUTPUT]),
    ]  # fmt: skip
    floats = {
        "bias": bias,
        "zero": 0.0,
        "number_inpatient_weight": INPATIENT_WEIGHT,
        "earlier_stays_weight": EARLIER_WEIGHT,
    }
    places = {
        "number_inpatient_place": NUMBERS.index("number_inpatient"),
        "earlier_stays_place": NUMBERS.index("earlier_stays"),
        "gender_place": texts.index("gender"),
    }
    graph = helper.make_graph(
        nodes,
        "logistic",
        [
            helper.make_tensor_value_info("texts", TensorProto.STRING, [None, len(texts)]),
            helper.make_tensor_value_info("numbers", TensorProto.FLOAT, [None, len(NUMBERS)]),
        ],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1])],
        [
            *(helper.make_tensor(name, TensorProto.FLOAT, [1], [value]) for name, value in floats.items()),
            *(helper.make_tensor(name, TensorProto.INT64, [1], [value]) for name, value in places.items()),
        ],
    )
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=versions, ir_version=9)


def _column(name: str, tensor: str, names: tuple[str, ...]) -> onnx.NodeProto:
    """Selects one column, shape ``(n, 1)``, of an input of the graph."""
    assert name in names
    return helper.make_node("Gather", [tensor, f"{name}_place"], [name], axis=1)


def _weighted(name: str) -> list[onnx.NodeProto]:
    """The weighted number; 0 if unknown."""
    return [
        helper.make_node("IsNaN", [name], [f"{name}_unknown"]),
        helper.make_node("Where", [f"{name}_unknown", "zero", name], [f"{name}_known"]),
        helper.make_node("Mul", [f"{name}_known", f"{name}_weight"], [f"{name}_part"]),
    ]
