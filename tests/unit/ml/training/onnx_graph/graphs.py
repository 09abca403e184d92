"""Parts of the ONNX graph, to be run on their own."""

import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

from ml.training.onnx_graph.nodes import Nodes


def session_of(nodes: Nodes, output: str, **inputs: tuple[int, int]) -> ort.InferenceSession:
    """A session over some nodes; inputs are given as name to (type, columns)."""
    given = [helper.make_tensor_value_info(n, kind, [None, columns]) for n, (kind, columns) in inputs.items()]
    answer = helper.make_tensor_value_info(output, TensorProto.FLOAT, [None, None])
    graph = helper.make_graph(nodes.nodes, "part", given, [answer], nodes.constants)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
