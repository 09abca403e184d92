"""The ONNX graph predicts as the fitted model for every valid record."""

from dataclasses import replace

import numpy as np
import onnxruntime as ort
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from ml.core.bundle import NUMBERS, OUTPUT, TEXTS, encode
from ml.features.encoder import Encoder, feature_names
from ml.features.records import to_records, to_table
from ml.features.tables import model_inputs, target
from ml.schema import EXAMPLE_RECORD, FEATURES, Record
from ml.training.models import RiskModel
from ml.training.offsets import GROUPS, Offsets
from ml.training.onnx_graph.graph import to_graph
from tests.unit.ml.training.onnx_graph.graphs import LARGEST, LAST, RECORDS, SMALLEST


@pytest.fixture(scope="session")
def graph_session(fitted: RiskModel) -> ort.InferenceSession:
    """The whole graph of a model."""
    return ort.InferenceSession(to_graph(fitted).SerializeToString(), providers=["CPUExecutionProvider"])


def test_the_graph_predicts_one_probability_for_each_record(
    fitted: RiskModel, graph_session: ort.InferenceSession, test_table: pd.DataFrame
) -> None:
    (answers,) = graph_session.run([OUTPUT], encode(to_records(test_table)))

    assert {node.name: node.shape[1] for node in graph_session.get_inputs()} == {
        "texts": len(TEXTS),
        "numbers": len(NUMBERS),
    }
    assert answers.shape == (len(test_table),)
    assert answers.dtype == np.float32
    assert np.abs(answers - fitted.probabilities(model_inputs(test_table))).max() <= 1e-6


@settings(max_examples=25)
@given(requests=st.lists(RECORDS, min_size=1, max_size=8))
@example(requests=[{}, LARGEST, SMALLEST, LAST])
def test_the_graph_predicts_any_valid_record_as_the_model(
    fitted: RiskModel, graph_session: ort.InferenceSession, requests: list[Record]
) -> None:
    (answers,) = graph_session.run([OUTPUT], encode(requests))

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
def test_a_pure_forest_predicts_0_or_1_and_never_nan(train_table: pd.DataFrame, trees: int) -> None:
    inputs = model_inputs(train_table)
    encoder = Encoder().fit(inputs, target(train_table))
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
