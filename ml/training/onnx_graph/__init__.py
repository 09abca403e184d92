"""A fitted model as one ONNX graph, from raw fields to probability.

The nodes are ours rather than a converter's: the encoder is this project's own, whole tables instead of a node per
field make the graph several times faster for a single record, and the trees keep every comparison exact.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper

from ml.core.bundle import NUMBERS, OUTPUT, TEXTS
from ml.schema import FEATURES
from ml.training.models import HISTORY_COLUMN, KNOWN_COLUMNS, MEMBERS, RiskModel
from ml.training.onnx_graph.encode import encode
from ml.training.onnx_graph.nodes import Nodes, Tensor
from ml.training.onnx_graph.trees import add_trees, trees_of

_OPSETS = (helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 3))
_IR_VERSION = 9


def to_graph(model: RiskModel) -> onnx.ModelProto:
    """The graph of a fitted model.

    Inputs ``texts`` (string, ``(n, len(TEXTS))``) and ``numbers`` (float32, ``(n, len(NUMBERS))``), output
    ``probability`` (float32, ``(n,)``).
    """
    nodes = Nodes()
    matrix = encode(nodes, model.encoder)
    logit = _logit(nodes, add_trees(nodes, matrix, trees_of(model.estimator)), model.sums_logits)
    offset = _offset(nodes, matrix, model)
    chance = nodes.add("Sigmoid", nodes.add("Add", nodes.reshape(logit, -1), offset))
    nodes.add("Identity", chance, output=OUTPUT)
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
    exported = helper.make_model(graph, opset_imports=_OPSETS, ir_version=_IR_VERSION, producer_name="readmission")
    onnx.checker.check_model(exported)
    return exported


def _logit(nodes: Nodes, answer: Tensor, is_logit: bool) -> Tensor:
    if is_logit:
        return answer
    # Summed in float32, certain trees may exceed 1 by a rounding error, and that has no logarithm.
    answer = nodes.add("Clip", answer, nodes.constant(0.0), nodes.constant(1.0))
    return nodes.add("Log", nodes.add("Div", answer, nodes.add("Sub", nodes.constant(1.0), answer)))


def _offset(nodes: Nodes, matrix: Tensor, model: RiskModel) -> Tensor:
    fields = nodes.columns(matrix, [*KNOWN_COLUMNS, HISTORY_COLUMN])
    known = nodes.add("Cast", nodes.add("GreaterOrEqual", fields, nodes.constant(0.0)), to=TensorProto.FLOAT)
    # First the place in the table by number, whose second row is for a known history; then the known of each group.
    place = np.append(np.ones(len(FEATURES)), len(FEATURES) + 1)
    counted = np.column_stack([place, np.vstack([MEMBERS, np.zeros(MEMBERS.shape[1])])])
    counts = nodes.add("MatMul", known, nodes.constant(counted))
    number = nodes.add("Cast", nodes.add("Gather", counts, nodes.constant(np.array(0)), axis=1), to=TensorProto.INT64)
    base_and_offset = (model.base + model.offsets.by_number.reshape(-1)).astype(np.float32)
    by_number = nodes.add("Gather", nodes.constant(base_and_offset), number, axis=0)
    nothing = nodes.add("Cast", nodes.add("Equal", counts, nodes.constant(0.0)), to=TensorProto.FLOAT)
    by_group = nodes.add("MatMul", nothing, nodes.constant(np.append(np.float32(0), model.offsets.by_group)))
    return nodes.add("Add", by_number, by_group)
