"""Builds the ONNX graph of a fitted model: encoder, trees and offsets.

A general converter is not used: it has no rule for this encoder, it would add a node for each field, which makes a
single prediction several times slower, and it does not keep every comparison of the trees exact.
"""

from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper

from ml.core.bundle import NUMBERS, OUTPUT, TEXTS
from ml.schema import FEATURES
from ml.training.models import RiskModel
from ml.training.offsets import HISTORY_COLUMN, KNOWN_COLUMNS, MEMBERS
from ml.training.onnx_graph.encode import encode
from ml.training.onnx_graph.nodes import Nodes, Tensor
from ml.training.onnx_graph.trees import add_trees, ensemble_of

OPSETS: Final = (helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 3))
IR_VERSION: Final = 9


def to_graph(model: RiskModel) -> onnx.ModelProto:
    """The graph of a fitted model.

    Inputs are ``texts`` (string, ``(n, len(TEXTS))``) and ``numbers`` (float32, ``(n, len(NUMBERS))``); the output is
    ``probability`` (float32, ``(n,)``).
    """
    nodes = Nodes()
    matrix = encode(nodes, model.encoder)
    ensemble = ensemble_of(model.estimator)
    total = add_trees(nodes, matrix, ensemble)
    logit = total if ensemble.sums_logits else _logit(nodes, total)
    offset = _offset(nodes, matrix, model)
    nodes.add("Sigmoid", nodes.add("Add", nodes.reshape(logit, -1), offset), output=OUTPUT)
    graph = helper.make_graph(
        nodes.nodes,
        "readmission",
        [
            helper.make_tensor_value_info("texts", TensorProto.STRING, [None, len(TEXTS)]),
            helper.make_tensor_value_info("numbers", TensorProto.FLOAT, [None, len(NUMBERS)]),
        ],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None])],
        nodes.constants,
    )
    exported = helper.make_model(graph, opset_imports=OPSETS, ir_version=IR_VERSION, producer_name="readmission")
    onnx.checker.check_model(exported)
    return exported


def _logit(nodes: Nodes, probability: Tensor) -> Tensor:
    # A float32 sum of probabilities may exceed 1 by a rounding error, and then the logarithm would be NaN.
    probability = nodes.add("Clip", probability, nodes.constant(0.0), nodes.constant(1.0))
    return nodes.add("Log", nodes.add("Div", probability, nodes.add("Sub", nodes.constant(1.0), probability)))


def _offset(nodes: Nodes, matrix: Tensor, model: RiskModel) -> Tensor:
    fields = nodes.columns(matrix, [*KNOWN_COLUMNS, HISTORY_COLUMN])
    known = nodes.add("Cast", nodes.add("GreaterOrEqual", fields, nodes.constant(0.0)), to=TensorProto.FLOAT)
    # Column 0 counts known features and adds the length of a table row if the history is known, which makes it the
    # index in the flattened table `by_number`. The other columns count the known features of each group.
    index = np.append(np.ones(len(FEATURES)), len(FEATURES) + 1)
    counted = np.column_stack([index, np.vstack([MEMBERS, np.zeros(MEMBERS.shape[1])])])
    counts = nodes.add("MatMul", known, nodes.constant(counted))
    number = nodes.add("Cast", nodes.add("Gather", counts, nodes.constant(np.array(0)), axis=1), to=TensorProto.INT64)
    base_and_offset = (model.base + model.offsets.by_number.reshape(-1)).astype(np.float32)
    by_number = nodes.add("Gather", nodes.constant(base_and_offset), number, axis=0)
    unknown = nodes.add("Cast", nodes.add("Equal", counts, nodes.constant(0.0)), to=TensorProto.FLOAT)
    by_group = nodes.add("MatMul", unknown, nodes.constant(np.append(np.float32(0), model.offsets.by_group)))
    return nodes.add("Add", by_number, by_group)
