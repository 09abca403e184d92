"""Small real bundles: a logistic graph over two of the 47 inputs, written as ml.bundle describes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from ml.bundle import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE, OUTPUT, sha256_of
from ml.schema import EXAMPLE_RECORD, FEATURES

INPATIENT_WEIGHT = 0.4
FEMALE_WEIGHT = 0.1
RECORDS: list[dict[str, Any]] = [
    {},
    EXAMPLE_RECORD,
    {"gender": "Male", "number_inpatient": 3},
    {"gender": "Female"},
    {"number_inpatient": 50, "race": None},
]


def expected(record: dict[str, Any], bias: float) -> float:
    """What the graph answers, computed apart from it."""
    score = bias + INPATIENT_WEIGHT * (record.get("number_inpatient") or 0)
    score += FEMALE_WEIGHT * (record.get("gender") == "Female")
    return float(1 / (1 + np.exp(-score)))


def write_bundle(directory: Path, bias: float = -2.0, *, golden_shift: float = 0.0, without: str = "") -> Path:
    """Write a bundle.

    Args:
        directory: made here.
        bias: intercept, by which the answers of two bundles differ.
        golden_shift: added to every golden answer, which makes the bundle fail its replay.
        without: a feature that the graph has no input for, which makes the bundle fail its check.
    """
    directory.mkdir(parents=True)
    onnx.save(_graph(bias, without), str(directory / MODEL_FILE))
    golden = [{"record": record, "probability": expected(record, bias) + golden_shift} for record in RECORDS]
    (directory / GOLDEN_FILE).write_text(json.dumps({"requests": golden}))
    seal(directory)
    return directory


def seal(directory: Path) -> None:
    """Write the manifest that fits the two other files."""
    interval = {"value": 0.67, "low": 0.66, "high": 0.68}
    manifest = {
        "algorithm": "logistic",
        "data_source": "synthetic",
        "data_version": "0123456789ab",
        "trained_at": "2026-01-02T03:04:05Z",
        "prevalence": 0.11,
        "risk_quantiles": [index / 100 for index in range(101)],
        "metrics": dict.fromkeys(("auroc", "average_precision", "brier", "ece"), interval),
        "files": {name: sha256_of(directory / name) for name in (MODEL_FILE, GOLDEN_FILE)},
    }
    (directory / MANIFEST_FILE).write_text(json.dumps(manifest))


def _graph(bias: float, without: str) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info(
            column.input_name, TensorProto.FLOAT if column.is_number else TensorProto.STRING, [None, 1]
        )
        for column in FEATURES
        if column.name != without
    ]
    nodes = [
        helper.make_node("IsNaN", ["number_inpatient"], ["unknown"]),
        helper.make_node("Where", ["unknown", "const_zero", "number_inpatient"], ["stays"]),
        helper.make_node("Mul", ["stays", "const_weight"], ["from_stays"]),
        helper.make_node(
            "LabelEncoder", ["gender"], ["from_gender"], domain="ai.onnx.ml",
            keys_strings=["Female"], values_floats=[FEMALE_WEIGHT], default_float=0.0,
        ),
        helper.make_node("Add", ["from_stays", "from_gender"], ["sum"]),
        helper.make_node("Add", ["sum", "const_bias"], ["score"]),
        helper.make_node("Sigmoid", ["score"], [OUTPUT]),
    ]  # fmt: skip
    constants = {"const_zero": 0.0, "const_weight": INPATIENT_WEIGHT, "const_bias": bias}
    graph = helper.make_graph(
        nodes,
        "logistic",
        inputs,
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor(name, TensorProto.FLOAT, [1], [value]) for name, value in constants.items()],
    )
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=versions, ir_version=9)
