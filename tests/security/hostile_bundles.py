"""Hostile bundles: each function takes the folder of a valid bundle, damages it, and seals it with a fitting manifest.

An attacker who reaches MLflow can make all of them; the checksums say nothing about who wrote a bundle.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from ml.core.bundle import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE, OUTPUT, TEXTS
from ml.training.onnx_graph.nodes import ML_DOMAIN, Nodes, Tensor
from tests.faults.damages import endless, greedy
from tests.integration.api.bundles import model_of, seal

Attack = Callable[[Path], None]
RARE = "Unknown/Invalid"
"""A value of ``gender`` that hardly any request has, and no golden request of the bundle below."""


def save(folder: Path, model: onnx.ModelProto, answer: float = 0.5) -> None:
    """Replace the graph, with one golden request that it answers."""
    (folder / MODEL_FILE).write_bytes(model.SerializeToString())
    (folder / GOLDEN_FILE).write_text(json.dumps({"requests": [{"record": {}, "probability": answer}]}))
    seal(folder)


def change_manifest(folder: Path, **changes: Any) -> None:
    fields = json.loads((folder / MANIFEST_FILE).read_text())
    (folder / MANIFEST_FILE).write_text(json.dumps({**fields, **changes}))


def is_rare(nodes: Nodes) -> Tensor:
    """1 where the gender is rare, else 0; shape ``(n, 1)``."""
    column = nodes.columns("texts", [TEXTS.index("gender")])
    keys: dict[str, Any] = {"keys_strings": [RARE], "values_int64s": [1], "default_int64": 0}
    return nodes.add("Cast", nodes.add("LabelEncoder", column, domain=ML_DOMAIN, **keys), to=TensorProto.FLOAT)


def finish(nodes: Nodes, logit: Tensor) -> onnx.ModelProto:
    """The answer 0.5 where the logit is 0."""
    nodes.add("Sigmoid", nodes.reshape(logit, -1), output=OUTPUT)
    return model_of(nodes)


def loop_for_one_value(folder: Path) -> None:
    """The reported case: a loop that spins only for one value of one field."""
    nodes = Nodes()
    rare = is_rare(nodes)
    times = nodes.add("Mul", nodes.add("ReduceMax", rare, keepdims=0), nodes.constant(1e18))
    body = helper.make_graph(
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
    zero = nodes.add("Mul", rare, nodes.constant(0.0))
    nodes.add("Loop", nodes.add("Cast", times, to=TensorProto.INT64), "", zero, body=body)
    save(folder, finish(nodes, nodes.nodes[-1].output[0]))


def trees(nodes: Nodes, matrix: Tensor, **changes: Any) -> Tensor:
    """One tree of one branch and two leaves of value 0: below 0.5, and above."""
    columns: dict[str, Any] = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [0, 0, 0],
        "nodes_values": [0.5, 0.0, 0.0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "nodes_missing_value_tracks_true": [0, 0, 0],
        "nodes_hitrates": [1.0, 1.0, 1.0],
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights": [0.0, 0.0],
        "aggregate_function": "SUM",
        "post_transform": "NONE",
        "n_targets": 1,
    }
    return nodes.add("TreeEnsembleRegressor", matrix, domain=ML_DOMAIN, **{**columns, **changes})


def tree_without_end_for_one_value(folder: Path) -> None:
    """A branch that leads back to itself, with an operator that every model of ours has."""
    nodes = Nodes()
    circle: dict[str, Any] = {"nodes_falsenodeids": [0, 0, 0], "target_treeids": [0], "target_nodeids": [1]}
    circle |= {"target_ids": [0], "target_weights": [0.0]}
    columns: dict[str, Any] = {
        "nodes_treeids": [0, 0], "nodes_nodeids": [0, 1], "nodes_featureids": [0, 0], "nodes_values": [0.5, 0.0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF"], "nodes_truenodeids": [1, 0], "nodes_falsenodeids": [0, 0],
        "nodes_missing_value_tracks_true": [0, 0], "nodes_hitrates": [1.0, 1.0],
    }  # fmt: skip
    save(folder, finish(nodes, trees(nodes, is_rare(nodes), **{**circle, **columns})))


def tree_that_reads_outside_its_row(folder: Path) -> None:
    nodes = Nodes()
    save(folder, finish(nodes, trees(nodes, is_rare(nodes), nodes_featureids=[-(2**20), 0, 0])))


def no_number_for_one_value(folder: Path) -> None:
    """The answer is NaN for one value: 0 divided by 0."""
    nodes = Nodes()
    common = nodes.add("Sub", nodes.constant(1.0), is_rare(nodes))
    zero = nodes.add("Sub", common, common)
    save(folder, finish(nodes, nodes.add("Div", zero, common)))


def beyond_one_for_one_value(folder: Path) -> None:
    nodes = Nodes()
    answer = nodes.add("Add", nodes.constant(0.5), is_rare(nodes))
    nodes.nodes.append(helper.make_node("Reshape", [answer, nodes.constant([-1])], [OUTPUT]))
    save(folder, model_of(nodes))


def memory_by_the_square_of_the_rows(folder: Path) -> None:
    """Harmless for one record; 250 records take 250 × 250 × 20,000 numbers, which is five gigabytes."""
    nodes = Nodes()
    zero = nodes.add("MatMul", is_rare(nodes), nodes.constant(np.zeros((1, 1))))
    wide = nodes.add("MatMul", zero, nodes.constant(np.zeros((1, 20_000))))
    cube = nodes.add("Add", nodes.reshape(wide, -1, 1, 20_000), nodes.reshape(wide, 1, -1, 20_000))
    summed = nodes.add("ReduceSum", cube, nodes.constant([1, 2]), keepdims=0)
    save(folder, finish(nodes, summed))


def shape_from_the_record(folder: Path) -> None:
    """The shape of a tensor is a number of the record."""
    nodes = Nodes()
    rare = is_rare(nodes)
    largest = nodes.add("ReduceMax", rare, nodes.constant([0, 1]), keepdims=0)
    size = nodes.reshape(nodes.add("Cast", largest, to=TensorProto.INT64), 1)
    nodes.add("Reshape", rare, nodes.add("Sub", size, nodes.constant([1])))
    save(folder, finish(nodes, nodes.nodes[-1].output[0]))


def external_data(folder: Path) -> None:
    """A constant whose content is another file of the service's machine."""
    nodes = Nodes()
    constant = nodes.constant(np.zeros((1, 1)))
    model = finish(nodes, nodes.add("MatMul", is_rare(nodes), constant))
    tensor = model.graph.initializer[0] if model.graph.initializer[0].name == constant else model.graph.initializer[1]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../../../../etc/hostname"), ("offset", "0"), ("length", "4")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    save(folder, model)


def unused_function(folder: Path) -> None:
    nodes = Nodes()
    model = finish(nodes, is_rare(nodes))
    inner = helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(helper.make_function("ours", "f", ["x"], ["y"], [inner], [helper.make_opsetid("", 20)]))
    save(folder, model)


def custom_domain(folder: Path) -> None:
    """An operator of ONNX Runtime's own domain."""
    nodes = Nodes()
    rare = is_rare(nodes)
    nodes.add("Gelu", rare, domain="com.microsoft")
    model = finish(nodes, rare)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    save(folder, model)


def newer_operators(folder: Path) -> None:
    nodes = Nodes()
    model = finish(nodes, is_rare(nodes))
    model.opset_import[0].version = 21
    save(folder, model)


def constant_with_fewer_bytes(folder: Path) -> None:
    nodes = Nodes()
    constant = nodes.constant(np.zeros((1, 1)))
    model = finish(nodes, nodes.add("MatMul", is_rare(nodes), constant))
    for tensor in model.graph.initializer:
        if tensor.name == constant:
            tensor.dims[:] = [2**31, 2**31]
    save(folder, model)


def runtime_format(folder: Path) -> None:
    """ONNX Runtime's own file format, which holds what the ONNX format cannot."""
    (folder / MODEL_FILE).write_bytes(b"\x20\x00\x00\x00ORTM" + bytes(100))
    seal(folder)


def empty_reliability_curves(folder: Path) -> None:
    """The reported case: the version loads and turns every answer into a 500."""
    curves: dict[str, Any] = {"information": [], "auroc": [[], []], "risk_edges": [], "low": [[], []], "high": [[], []]}
    seal_with_curve(folder, **curves)


def seal_with_curve(folder: Path, **changes: Any) -> None:
    completeness = json.loads((folder / MANIFEST_FILE).read_text())["completeness"]
    change_manifest(folder, completeness={**completeness, **changes})


def metric_that_is_no_number(folder: Path) -> None:
    """It would turn GET /model into a 500."""
    change_manifest(folder, metrics={"auroc": {"value": float("nan"), "low": 0.1, "high": 0.2}})


def too_few_quantiles(folder: Path) -> None:
    change_manifest(folder, risk_quantiles=[0.1])


def falling_quantiles(folder: Path) -> None:
    change_manifest(folder, risk_quantiles=[1 - index / 100 for index in range(101)])


def endless_text(folder: Path) -> None:
    """Half a megabyte in every response of GET /model and in a label of a metric."""
    change_manifest(folder, algorithm="x" * 500_000)


def deep_golden_requests(folder: Path) -> None:
    (folder / GOLDEN_FILE).write_text("[" * 100_000)
    seal(folder)


def golden_request_outside_the_schema(folder: Path) -> None:
    (folder / GOLDEN_FILE).write_text(json.dumps({"requests": [{"record": {"gender": 3}, "probability": 0.1}]}))
    seal(folder)


ATTACKS: dict[Attack, str] = {
    endless: "a subgraph",
    loop_for_one_value: "a subgraph",
    greedy: "not allowed",
    tree_without_end_for_one_value: "nodes form a circle",
    tree_that_reads_outside_its_row: "compare with no column",
    no_number_for_one_value: "a prediction is nan, not between 0 and 1",
    beyond_one_for_one_value: "a prediction is 1.5, not between 0 and 1",
    memory_by_the_square_of_the_rows: "answers fail|too much memory",
    shape_from_the_record: "operator Reshape whose shape is computed",
    external_data: "external data",
    unused_function: "a function",
    custom_domain: "operator sets",
    newer_operators: "operator sets",
    constant_with_fewer_bytes: "with 4 bytes",
    runtime_format: "not an ONNX file|not allowed",
    empty_reliability_curves: "information must be a rising grid",
    metric_that_is_no_number: "metrics.auroc.value: Input should be a finite number",
    too_few_quantiles: "risk_quantiles: .*101",
    falling_quantiles: "risk_quantiles: .*must not fall",
    endless_text: "algorithm: .*100 characters",
    deep_golden_requests: "golden requests cannot be read",
    golden_request_outside_the_schema: "gender is not one of",
}
"""Attack -> the reason of the refusal, as a pattern."""
