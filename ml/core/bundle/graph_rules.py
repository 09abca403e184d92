"""The allow-list of graphs: what our exporter writes, and nothing else.

Without loops, branches, subgraphs and custom operators, and with every shape fixed by the number of rows, the time and
memory of a graph do not depend on the values of a record. What the trial measures then holds for every request. One
operator can still loop: the evaluation of a tree follows the numbers of its nodes, so these have to form a tree.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ml.core.bundle.inputs import NUMBERS, OUTPUT, TEXTS
from ml.core.bundle.onnx_format import parse
from ml.core.errors import BundleError

_ML: Final = "ai.onnx.ml"
OPSETS: Final = {"": 20, _ML: 3}
IR_VERSION: Final = 9
MOST_NODES: Final = 1000

_TREE_NODES: Final = (
    "nodes_featureids", "nodes_hitrates", "nodes_missing_value_tracks_true", "nodes_modes", "nodes_nodeids",
    "nodes_falsenodeids", "nodes_treeids", "nodes_truenodeids", "nodes_values",
)  # fmt: skip
_TREE_LEAVES: Final = ("target_ids", "target_nodeids", "target_treeids", "target_weights")
OPERATORS: Final[dict[tuple[str, str], frozenset[str]]] = {
    **dict.fromkeys([("", name) for name in (
        "Abs", "Add", "Clip", "Div", "Equal", "Greater", "GreaterOrEqual", "IsNaN", "Less", "Log", "MatMul", "Max",
        "Neg", "Reshape", "Sigmoid", "Sub", "Sum", "Where",
    )], frozenset[str]()),
    **dict.fromkeys([("", "Concat"), ("", "Gather")], frozenset({"axis"})),
    **dict.fromkeys([("", "ReduceMax"), ("", "ReduceMin"), ("", "ReduceSum")], frozenset({"keepdims"})),
    ("", "Cast"): frozenset({"to"}),
    ("", "StringSplit"): frozenset({"delimiter", "maxsplit"}),
    (_ML, "LabelEncoder"): frozenset({"default_int64", "keys_strings", "values_int64s"}),
    (_ML, "TreeEnsembleRegressor"): frozenset(
        {"aggregate_function", "n_targets", "post_transform", *_TREE_NODES, *_TREE_LEAVES}
    ),
}  # fmt: skip
"""Operator by domain and name -> exactly its attributes. A test compares it with what both families export."""

_FIXED_SECOND_INPUT: Final = {"Reshape", "ReduceMax", "ReduceMin", "ReduceSum"}
"""Operators whose second input decides the shape of the output; it has to be a constant."""

_FLOAT, _INT64, _STRING = 1, 7, 8  # TensorProto.DataType
_ITEM_TYPES: Final[dict[int, np.dtype[Any]]] = {_FLOAT: np.dtype("<f4"), _INT64: np.dtype("<i8")}
_Value = tuple[str, int, list[int | None]]
"""Name, type and shape of an input or output."""
_VALUES: Final[list[_Value]] = [("texts", _STRING, [None, len(TEXTS)]), ("numbers", _FLOAT, [None, len(NUMBERS)])]
_ANSWERS: Final[list[_Value]] = [(OUTPUT, _FLOAT, [None])]


def check_graph(content: bytes) -> None:
    """Check the content of ``model.onnx``.

    Raises:
        BundleError: naming what is not on the allow-list.
    """
    model = parse(content)
    found = sorted((opset.domain.decode(errors="replace"), opset.version) for opset in model.opset_import)
    if found != sorted(OPSETS.items()) or model.ir_version != IR_VERSION:
        raise _refusal(f"operator sets {found} of format {model.ir_version}")
    graph = model.graph
    _check_values("inputs", graph.input, _VALUES)
    _check_values("outputs", graph.output, _ANSWERS)
    if len(graph.node) > MOST_NODES:
        raise _refusal(f"{len(graph.node)} nodes, more than {MOST_NODES}")
    for tensor in graph.initializer:
        _check_constant(tensor)
    constants = {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        _check_node(node, constants)


def _refusal(what: str) -> BundleError:
    return BundleError(f"The graph is not allowed: it has {what}.")


def _check_values(role: str, values: Any, allowed: list[_Value]) -> None:
    found = [
        (
            value.name.decode(errors="replace"),
            value.type.tensor_type.elem_type,
            [dim.dim_value if dim.HasField("dim_value") else None for dim in value.type.tensor_type.shape.dim],
        )
        for value in values
    ]
    if found != allowed:
        raise BundleError(f"The graph has other {role} than the schema: {str(found)[:200]} in place of {allowed}.")


def _check_constant(tensor: Any) -> None:
    name, kind = tensor.name.decode(errors="replace")[:50], _ITEM_TYPES.get(tensor.data_type)
    if kind is None:
        raise _refusal(f"constant {name!r} of type {tensor.data_type}")
    if any(size < 0 for size in tensor.dims) or math.prod(tensor.dims) * kind.itemsize != len(tensor.raw_data):
        raise _refusal(f"constant {name!r} of shape {list(tensor.dims)[:10]} with {len(tensor.raw_data)} bytes")
    if not np.isfinite(np.frombuffer(tensor.raw_data, kind)).all():
        raise _refusal(f"constant {name!r} that is not finite")


def _check_node(node: Any, constants: set[bytes]) -> None:
    domain, operator = node.domain.decode(errors="replace"), node.op_type.decode(errors="replace")
    allowed = OPERATORS.get((domain, operator))
    if allowed is None:
        raise _refusal(f"operator {operator[:50]!r}" + (f" of domain {domain[:50]!r}" if domain else ""))
    attributes = {attribute.name.decode(errors="replace"): attribute for attribute in node.attribute}
    if attributes.keys() != allowed or len(node.attribute) != len(allowed):
        wrong = sorted(attributes.keys() ^ allowed)
        raise _refusal(f"operator {operator} with other attributes than ours: {', '.join(wrong)[:100] or 'one twice'}")
    if operator in _FIXED_SECOND_INPUT and (len(node.input) != 2 or node.input[1] not in constants):
        raise _refusal(f"operator {operator} whose shape is computed")
    if operator == "TreeEnsembleRegressor":
        _check_trees(attributes)


def _check_trees(attributes: dict[str, Any]) -> None:
    def numbers(name: str) -> NDArray[np.int64]:
        return np.fromiter(attributes[name].ints, dtype=np.int64)

    modes = attributes["nodes_modes"].strings
    is_leaf = np.fromiter((mode == b"LEAF" for mode in modes), dtype=np.bool_, count=len(modes))
    if not set(modes) <= {b"LEAF", b"BRANCH_LEQ"}:
        raise _refusal("trees with other comparisons than ours")
    trees, nodes, features = map(numbers, ("nodes_treeids", "nodes_nodeids", "nodes_featureids"))
    branches = [numbers("nodes_truenodeids"), numbers("nodes_falsenodeids")]
    values = np.fromiter(attributes["nodes_values"].floats, dtype=np.float32)
    columns: list[NDArray[Any]] = [trees, nodes, features, values, *branches]
    if not len(is_leaf) or any(len(column) != len(is_leaf) for column in columns):
        raise _refusal("trees with columns of different lengths")
    starts = np.flatnonzero(np.diff(trees, prepend=-1))
    sizes = np.diff(starts, append=len(trees))
    start_of = np.repeat(starts, sizes)
    if (trees != np.repeat(np.arange(len(starts)), sizes)).any() or (nodes != np.arange(len(nodes)) - start_of).any():
        raise _refusal("trees whose nodes are not numbered in order")
    if (features < 0).any() or np.isnan(values).any():
        raise _refusal("trees that compare with no column or no number")
    targets = np.concatenate([child[~is_leaf] for child in branches])
    if ((targets < 0) | (targets >= np.tile(np.repeat(sizes, sizes)[~is_leaf], 2))).any():
        raise _refusal("trees with a branch to a node that does not exist")
    # A node that is not a root and is reached once only: no path from a root returns to one of its nodes.
    reached = np.bincount(targets + np.tile(start_of[~is_leaf], 2), minlength=len(trees))
    if reached[starts].any() or (reached > 1).any():
        raise _refusal("trees whose nodes form a circle")
    _check_leaves(attributes, trees[is_leaf], nodes[is_leaf])


def _check_leaves(attributes: dict[str, Any], trees: NDArray[np.int64], nodes: NDArray[np.int64]) -> None:
    found = [list(attributes[name].ints) for name in ("target_treeids", "target_nodeids", "target_ids")]
    weights = np.fromiter(attributes["target_weights"].floats, dtype=np.float32)
    if attributes["n_targets"].i != 1 or found != [trees.tolist(), nodes.tolist(), [0] * len(trees)]:
        raise _refusal("trees whose values do not belong to their leaves")
    if len(weights) != len(trees) or not np.isfinite(weights).all():
        raise _refusal("trees with values that are not finite")
