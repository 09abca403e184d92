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
from ml.training.onnx_graph.graph import IR_VERSION, OPSETS
from ml.training.onnx_graph.nodes import ML_DOMAIN, Nodes

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
        golden_shift: difference of the golden answers; makes the replay fail.
        without: a text feature without an input of the graph; makes the check fail.
    """
    directory.mkdir(parents=True)
    texts = tuple(name for name in TEXTS if name != without)
    onnx.save(_graph(bias, texts), str(directory / MODEL_FILE))
    golden = [
        {"record": record, "probability": abs(expected(record, bias) - golden_shift)}  # no more than 1
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
    """Made with the operators of the real exporter: the service refuses all others."""
    nodes = Nodes()
    weights = np.zeros((len(NUMBERS), 1), dtype=np.float32)
    weights[NUMBERS.index("number_inpatient")], weights[NUMBERS.index("earlier_stays")] = (
        INPATIENT_WEIGHT,
        EARLIER_WEIGHT,
    )
    known = nodes.add("Where", nodes.add("IsNaN", "numbers"), nodes.constant(0.0), "numbers")
    female = nodes.add(
        "LabelEncoder", nodes.columns("texts", [texts.index("gender")]), domain=ML_DOMAIN,
        keys_strings=["Female"], values_int64s=[1], default_int64=0,
    )  # fmt: skip
    female = nodes.add("Cast", female, to=TensorProto.FLOAT)
    parts = [
        nodes.add("MatMul", known, nodes.constant(weights)),
        nodes.add("MatMul", female, nodes.constant(np.array([[FEMALE_WEIGHT]]))),
        nodes.constant(bias),
    ]
    nodes.add("Sigmoid", nodes.reshape(nodes.add("Sum", *parts), -1), output=OUTPUT)
    return model_of(nodes, texts)


def model_of(nodes: Nodes, texts: tuple[str, ...] = TEXTS) -> onnx.ModelProto:
    """A model of these nodes, with the inputs and the output of the exported ones."""
    graph = helper.make_graph(
        nodes.nodes,
        "logistic",
        [
            helper.make_tensor_value_info("texts", TensorProto.STRING, [None, len(texts)]),
            helper.make_tensor_value_info("numbers", TensorProto.FLOAT, [None, len(NUMBERS)]),
        ],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None])],
        nodes.constants,
    )
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=IR_VERSION)
