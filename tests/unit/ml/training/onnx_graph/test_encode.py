"""The ONNX graph: the encoder to the last bit, and the answer of the model for whatever may be asked."""

from dataclasses import replace

import numpy as np
import onnxruntime as ort
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto
from sklearn.ensemble import RandomForestClassifier

from ml.core.bundle import NUMBERS, OUTPUT, TEXTS, encode
from ml.features.encoder import Encoder, feature_names
from ml.features.records import to_records, to_table
from ml.features.tables import model_inputs, target
from ml.schema import EXAMPLE_RECORD, FEATURES, ICD9_PATTERN, INPUTS, Column, Kind, Record
from ml.training.models import GROUPS, Offsets, RiskModel
from ml.training.onnx_graph.encode import encode as add_encoder
from ml.training.onnx_graph.graph import to_graph
from ml.training.onnx_graph.nodes import Nodes
from tests.unit.ml.training.onnx_graph.graphs import session_of

ODD_CODES = ("008", "8", "08", "008.45", "8.7", "V01.5", "E909.9", "250.8", "250.80", "250", "999.99", "0", "000.5")
SIZES = {"texts": len(TEXTS), "numbers": len(NUMBERS)}


@pytest.fixture(scope="module")
def encoder(train_table: pd.DataFrame) -> Encoder:
    return Encoder().fit(model_inputs(train_table), target(train_table))


@pytest.fixture(scope="module")
def encoding(encoder: Encoder) -> ort.InferenceSession:
    """The encoder's part of the graph alone."""
    nodes = Nodes()
    nodes.add("Identity", add_encoder(nodes, encoder), output="matrix")
    return session_of(
        nodes, "matrix", texts=(TensorProto.STRING, SIZES["texts"]), numbers=(TensorProto.FLOAT, SIZES["numbers"])
    )


def values(column: Column) -> st.SearchStrategy[str | int]:
    if column.kind is Kind.ICD9:
        return st.sampled_from(ODD_CODES) | st.from_regex(ICD9_PATTERN, fullmatch=True)
    if column.kind is Kind.COUNT:
        low, high = column.low or 0, column.high or 0
        return st.sampled_from([low, high]) | st.integers(low, high)
    return st.sampled_from(column.allowed)


RECORDS = st.fixed_dictionaries({}, optional={column.name: values(column) for column in INPUTS})
LARGEST: Record = {c.name: c.high for c in INPUTS if c.high is not None}
SMALLEST: Record = {c.name: c.low for c in INPUTS if c.low is not None}
LAST: Record = {c.name: c.allowed[-1] for c in INPUTS if c.allowed}


@settings(max_examples=60)
@given(requests=st.lists(RECORDS, min_size=1, max_size=8))
@example(requests=[{}])
@example(requests=[LARGEST, SMALLEST, LAST, EXAMPLE_RECORD])
@example(requests=[dict.fromkeys(("diag_1", "diag_2", "diag_3", "previous_diagnosis"), code) for code in ODD_CODES])
def test_the_graph_encodes_whatever_may_be_asked_exactly_as_the_encoder(
    encoder: Encoder, encoding: ort.InferenceSession, requests: list[Record]
) -> None:
    (matrix,) = encoding.run(["matrix"], encode(requests))

    np.testing.assert_array_equal(matrix, encoder.transform(model_inputs(to_table(requests))))


def test_the_graph_encodes_every_test_encounter_exactly_as_the_encoder(
    encoder: Encoder, encoding: ort.InferenceSession, test_table: pd.DataFrame
) -> None:
    (matrix,) = encoding.run(["matrix"], encode(to_records(test_table)))

    np.testing.assert_array_equal(matrix, encoder.transform(model_inputs(test_table)))


@pytest.mark.parametrize("value", ["not a value", "NO", "Caucasian ", "é", "?"])
def test_texts_that_no_one_knows_are_unknown_to_both(
    encoder: Encoder, encoding: ort.InferenceSession, value: str
) -> None:
    requests: list[Record] = [{c.name: value for c in INPUTS if c.kind is Kind.CATEGORY}]
    (matrix,) = encoding.run(["matrix"], encode(requests))

    np.testing.assert_array_equal(matrix, encoder.transform(model_inputs(to_table(requests))))


@pytest.fixture(scope="session")
def answering(fitted: RiskModel) -> ort.InferenceSession:
    """The whole graph of a model."""
    return ort.InferenceSession(to_graph(fitted).SerializeToString(), providers=["CPUExecutionProvider"])


def test_the_graph_takes_raw_fields_and_gives_one_probability_each(
    fitted: RiskModel, answering: ort.InferenceSession, test_table: pd.DataFrame
) -> None:
    (answers,) = answering.run([OUTPUT], encode(to_records(test_table)))

    assert {node.name: node.shape[1] for node in answering.get_inputs()} == SIZES
    assert answers.shape == (len(test_table),)
    assert answers.dtype == np.float32
    assert np.abs(answers - fitted.probabilities(model_inputs(test_table))).max() <= 1e-6


@settings(max_examples=25)
@given(requests=st.lists(RECORDS, min_size=1, max_size=8))
@example(requests=[{}, LARGEST, SMALLEST, LAST])
def test_the_graph_answers_whatever_may_be_asked_as_the_model(
    fitted: RiskModel, answering: ort.InferenceSession, requests: list[Record]
) -> None:
    (answers,) = answering.run([OUTPUT], encode(requests))

    assert np.abs(answers - fitted.probabilities(model_inputs(to_table(requests)))).max() <= 1e-6


def test_each_number_of_known_fields_and_each_unknown_group_has_its_own_offset(
    fitted: RiskModel, test_table: pd.DataFrame
) -> None:
    offsets = Offsets(
        np.linspace(-2, 2, 2 * (len(FEATURES) + 1), dtype=np.float32).reshape(2, -1),
        2 ** np.arange(len(GROUPS), dtype=np.float32) / 64,
    )
    shifted = replace(fitted, offsets=offsets)
    session = ort.InferenceSession(to_graph(shifted).SerializeToString(), providers=["CPUExecutionProvider"])
    names = np.random.default_rng(1).permutation(list(EXAMPLE_RECORD)).tolist()
    requests: list[Record] = [{name: EXAMPLE_RECORD[name] for name in names[:count]} for count in range(48)]
    requests += [{c.name: c.example for c in FEATURES if c.group is not group} for group in GROUPS]
    (answers,) = session.run([OUTPUT], encode(requests))

    assert np.abs(answers - shifted.probabilities(model_inputs(to_table(requests)))).max() <= 1e-6


@pytest.mark.parametrize("trees", [1, 10, 18, 97])
def test_a_forest_that_is_certain_says_0_or_1_and_never_nan(
    train_table: pd.DataFrame, encoder: Encoder, trees: int
) -> None:
    inputs = model_inputs(train_table)
    matrix = encoder.transform(inputs)
    labels = (matrix[:, feature_names().index("gender")] > 0).astype(np.int64)
    forest = RandomForestClassifier(trees, max_features=None, max_depth=2, random_state=0).fit(matrix, labels)
    model = RiskModel(encoder, forest, base=0.0, offsets=Offsets())
    session = ort.InferenceSession(to_graph(model).SerializeToString(), providers=["CPUExecutionProvider"])
    answers = np.concatenate(
        [session.run([OUTPUT], encode([record]))[0] for record in to_records(train_table.head(40))]
    )

    np.testing.assert_allclose(answers, labels[:40], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(model.probabilities(inputs), labels)
