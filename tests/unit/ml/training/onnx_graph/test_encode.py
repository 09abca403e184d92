"""The encoder in the ONNX graph has bitwise the results of the encoder."""

import numpy as np
import onnxruntime as ort
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from ml.core.bundle import NUMBERS, TEXTS, encode
from ml.features.encoder import Encoder
from ml.features.records import to_records, to_table
from ml.features.tables import model_inputs, target
from ml.schema import EXAMPLE_RECORD, INPUTS, Kind, Record
from ml.training.onnx_graph.encode import encode as add_encoder
from ml.training.onnx_graph.nodes import Nodes
from tests.unit.ml.training.onnx_graph.graphs import LARGEST, LAST, ODD_CODES, RECORDS, SMALLEST, session_of

SIZES = {"texts": len(TEXTS), "numbers": len(NUMBERS)}


@pytest.fixture(scope="module")
def encoder(train_table: pd.DataFrame) -> Encoder:
    return Encoder().fit(model_inputs(train_table), target(train_table))


@pytest.fixture(scope="module")
def encoder_session(encoder: Encoder) -> ort.InferenceSession:
    """The encoder's part of the graph alone."""
    nodes = Nodes()
    nodes.add("Identity", add_encoder(nodes, encoder), output="matrix")
    return session_of(
        nodes, "matrix", texts=(TensorProto.STRING, SIZES["texts"]), numbers=(TensorProto.FLOAT, SIZES["numbers"])
    )


@settings(max_examples=60)
@given(requests=st.lists(RECORDS, min_size=1, max_size=8))
@example(requests=[{}])
@example(requests=[LARGEST, SMALLEST, LAST, EXAMPLE_RECORD])
@example(requests=[dict.fromkeys(("diag_1", "diag_2", "diag_3", "previous_diagnosis"), code) for code in ODD_CODES])
def test_the_graph_encodes_any_valid_record_exactly_as_the_encoder(
    encoder: Encoder, encoder_session: ort.InferenceSession, requests: list[Record]
) -> None:
    (matrix,) = encoder_session.run(["matrix"], encode(requests))

    np.testing.assert_array_equal(matrix, encoder.transform(model_inputs(to_table(requests))))


def test_the_graph_encodes_every_test_encounter_exactly_as_the_encoder(
    encoder: Encoder, encoder_session: ort.InferenceSession, test_table: pd.DataFrame
) -> None:
    (matrix,) = encoder_session.run(["matrix"], encode(to_records(test_table)))

    np.testing.assert_array_equal(matrix, encoder.transform(model_inputs(test_table)))


@pytest.mark.parametrize("value", ["not a value", "NO", "Caucasian ", "é", "?"])
def test_unknown_texts_are_encoded_alike(encoder: Encoder, encoder_session: ort.InferenceSession, value: str) -> None:
    requests: list[Record] = [{c.name: value for c in INPUTS if c.kind is Kind.CATEGORY}]
    (matrix,) = encoder_session.run(["matrix"], encode(requests))

    np.testing.assert_array_equal(matrix, encoder.transform(model_inputs(to_table(requests))))
