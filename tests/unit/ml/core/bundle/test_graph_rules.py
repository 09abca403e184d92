"""The allow-list is exactly what both families export, and the reader sees what the package `onnx` sees."""

from collections import defaultdict
from pathlib import Path

import onnx
import pandas as pd
import pytest

from ml.core.bundle.graph_rules import IR_VERSION, OPERATORS, OPSETS, check_graph
from ml.core.bundle.onnx_format import parse
from ml.training.models import FAMILIES, fit
from ml.training.onnx_graph import graph
from ml.training.onnx_graph.graph import to_graph
from tests.unit.ml.conftest import SMALL


@pytest.fixture(scope="module")
def exported(train_table: pd.DataFrame) -> list[onnx.ModelProto]:
    return [to_graph(fit(name, SMALL[name], train_table, jobs=1)) for name in FAMILIES]


def test_the_operators_and_their_attributes_are_those_of_the_export(exported: list[onnx.ModelProto]) -> None:
    found: dict[tuple[str, str], set[frozenset[str]]] = defaultdict(set)
    for model in exported:
        for node in model.graph.node:
            found[node.domain, node.op_type].add(frozenset(attribute.name for attribute in node.attribute))

    assert found == {operator: {attributes} for operator, attributes in OPERATORS.items()}
    assert {opset.domain: opset.version for opset in graph.OPSETS} == OPSETS
    assert graph.IR_VERSION == IR_VERSION


def test_every_exported_graph_is_allowed(exported: list[onnx.ModelProto]) -> None:
    for model in exported:
        check_graph(model.SerializeToString())


def test_the_reader_reads_what_the_package_onnx_wrote(exported: list[onnx.ModelProto]) -> None:
    for model in exported:
        content = model.SerializeToString()
        read = parse(content)

        assert read.SerializeToString() == content  # every field is declared, with its number and its type
        assert [node.op_type.decode() for node in read.graph.node] == [node.op_type for node in model.graph.node]
        for ours, theirs in zip(read.graph.initializer, model.graph.initializer, strict=True):
            assert (list(ours.dims), ours.data_type, ours.raw_data) == (
                list(theirs.dims), theirs.data_type, theirs.raw_data,
            )  # fmt: skip


def test_the_api_has_no_package_onnx() -> None:
    sources = (Path(__file__).parents[5] / "ml" / "core").rglob("*.py")

    assert not [source for source in sources if "import onnx\n" in source.read_text()]
