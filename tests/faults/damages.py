"""What can be wrong with the files of a model version: each takes the folder that they lie in."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from ml.core.bundle import GOLDEN_FILE, MODEL_FILE, NUMBERS, OUTPUT, TEXTS
from ml.training.onnx_graph.nodes import Nodes
from tests.integration.api.bundles import model_of, seal


def corrupt(files: Path) -> None:
    """One byte of the graph is another one."""
    graph = files / MODEL_FILE
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)


def pickle(files: Path) -> None:
    """A pickle stands in place of the graph, with a manifest that fits."""
    (files / MODEL_FILE).write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x8c\x06system.")
    seal(files)


def too_large(files: Path) -> None:
    """The golden requests fill more than they may."""
    (files / GOLDEN_FILE).write_bytes(b" " * 17 * 1024 * 1024)


def endless(files: Path) -> None:
    """The graph counts to nine quintillions before it answers."""
    _replace(files, [_column(), helper.make_node("Loop", ["most", "", "column"], [OUTPUT], body=_nothing())])


def slow(files: Path) -> None:
    """A graph of allowed operators only: for 250 records it multiplies large matrices for minutes."""
    nodes = Nodes()
    matrix = nodes.constant(np.zeros((2000, 2000)))
    known = nodes.add("Where", nodes.add("IsNaN", "numbers"), nodes.constant(0.0), "numbers")
    value = nodes.add("MatMul", known, nodes.constant(np.zeros((len(NUMBERS), 2000))))
    for _ in range(900):
        value = nodes.add("MatMul", value, matrix)
    nodes.add("Sigmoid", nodes.add("ReduceMax", value, nodes.constant([1]), keepdims=0), output=OUTPUT)
    (files / MODEL_FILE).write_bytes(model_of(nodes).SerializeToString())
    (files / GOLDEN_FILE).write_text(json.dumps({"requests": [{"record": {}, "probability": 0.5}]}))
    seal(files)


def greedy(files: Path) -> None:
    """The graph fills eight gigabytes before it answers."""
    _replace(
        files,
        [
            _column(),
            helper.make_node("ConstantOfShape", ["eight_gigabytes"], ["zeros"]),
            helper.make_node("ReduceSum", ["zeros"], ["nothing"], keepdims=0),
            helper.make_node("Add", ["column", "nothing"], [OUTPUT]),
        ],
    )


def _replace(files: Path, nodes: list[onnx.NodeProto]) -> None:
    graph = helper.make_graph(
        nodes,
        "bad",
        [
            helper.make_tensor_value_info("texts", TensorProto.STRING, [None, len(TEXTS)]),
            helper.make_tensor_value_info("numbers", TensorProto.FLOAT, [None, len(NUMBERS)]),
        ],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1])],
        [
            helper.make_tensor("place", TensorProto.INT64, [1], [0]),
            helper.make_tensor("most", TensorProto.INT64, [], [np.iinfo(np.int64).max]),
            helper.make_tensor("eight_gigabytes", TensorProto.INT64, [2], [2**21, 2**10]),
        ],
    )
    opsets = [helper.make_opsetid("", 17)]
    (files / MODEL_FILE).write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())
    (files / GOLDEN_FILE).write_text(json.dumps({"requests": [{"record": {}, "probability": 0.1}]}))
    seal(files)


def _column() -> onnx.NodeProto:
    return helper.make_node("Gather", ["numbers", "place"], ["column"], axis=1)


def _nothing() -> onnx.GraphProto:
    """The body of a loop that does nothing."""
    return helper.make_graph(
        [helper.make_node("Identity", ["on"], ["go_on"]), helper.make_node("Identity", ["before"], ["after"])],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, None),
        ],
    )
