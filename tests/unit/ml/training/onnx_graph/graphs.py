"""Sessions over parts of the ONNX graph, and records with edge cases of every column."""

import onnx
import onnxruntime as ort
from hypothesis import strategies as st
from onnx import TensorProto, helper

from ml.schema import INPUTS, Column, Kind, Record
from ml.training.onnx_graph.nodes import Nodes
from tests.support.codes import ICD9_CODES

ODD_CODES = ("8", "8.45", "8.7", "V01.5", "E909.9", "250.8", "250.03", "250", "999.99", "1", "1.5")


def session_of(nodes: Nodes, output: str, **inputs: tuple[int, int]) -> ort.InferenceSession:
    """A session over some nodes; inputs are given as name to (type, columns)."""
    given = [helper.make_tensor_value_info(n, kind, [None, columns]) for n, (kind, columns) in inputs.items()]
    answer = helper.make_tensor_value_info(output, TensorProto.FLOAT, [None, None])
    graph = helper.make_graph(nodes.nodes, "part", given, [answer], nodes.constants)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def values(column: Column) -> st.SearchStrategy[str | int]:
    if column.kind is Kind.ICD9:
        return st.sampled_from(ODD_CODES) | ICD9_CODES
    if column.kind is Kind.COUNT:
        low, high = column.low or 0, column.high or 0
        return st.sampled_from([low, high]) | st.integers(low, high)
    return st.sampled_from(column.allowed)


RECORDS = st.fixed_dictionaries({}, optional={column.name: values(column) for column in INPUTS})
LARGEST: Record = {c.name: c.high for c in INPUTS if c.high is not None}
SMALLEST: Record = {c.name: c.low for c in INPUTS if c.low is not None}
LAST: Record = {c.name: c.allowed[-1] for c in INPUTS if c.allowed}
