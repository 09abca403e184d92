"""A fitted pipeline as a bundle: one ONNX graph from raw fields to probability, with golden requests beside it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import pandas as pd
from numpy.typing import NDArray
from onnx import TensorProto, helper
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from skl2onnx.operator_converters.random_forest import convert_sklearn_random_forest_classifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from ml.bundle import (
    GOLDEN_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    OUTPUT,
    TOLERANCE,
    Bundle,
    Manifest,
    Record,
    load_bundle,
    sha256_of,
)
from ml.errors import BundleError
from ml.features import model_inputs
from ml.schema import EXAMPLE_RECORD, FEATURES

GOLDEN_ROWS: Final = 48
_OPSET: Final = {"": 17, "ai.onnx.ml": 3}


def write_bundle(pipeline: Pipeline, test: pd.DataFrame, manifest: dict[str, Any], directory: Path) -> Bundle:
    """Write a bundle, load it as the API will, and prove its parity on the whole test set.

    Args:
        pipeline: fitted on :func:`ml.features.model_inputs`.
        test: encounters to prove parity on and to draw golden requests from, 50 columns.
        manifest: the fields of :class:`ml.bundle.Manifest` other than ``files``.
        directory: an existing directory that receives the files.

    Raises:
        BundleError: an answer of the graph differs from the pipeline's by more than the tolerance.
    """
    onnx.save(to_graph(pipeline), directory / MODEL_FILE)
    golden = [{"record": record, "probability": p} for record, p in _golden(pipeline, test)]
    (directory / GOLDEN_FILE).write_text(json.dumps({"tolerance": TOLERANCE, "requests": golden}, indent=1))
    files = {name: sha256_of(directory / name) for name in (MODEL_FILE, GOLDEN_FILE)}
    fields = asdict(Manifest(**manifest, files=files))
    (directory / MANIFEST_FILE).write_text(json.dumps(fields, indent=1))
    bundle = load_bundle(directory)
    difference = parity(pipeline, bundle, test)
    if not difference <= TOLERANCE:
        raise BundleError(f"The exported graph differs from the pipeline by {difference:.2g}, allowed are {TOLERANCE}.")
    return bundle


def to_graph(pipeline: Pipeline) -> onnx.ModelProto:
    """The pipeline as a graph with one input per raw feature and the single output ``probability``, shape ``(n,)``."""
    inputs = [
        (c.input_name, FloatTensorType([None, 1]) if c.is_number else StringTensorType([None, 1])) for c in FEATURES
    ]
    graph = to_onnx(pipeline, initial_types=inputs, options={id(pipeline): {"zipmap": False}}, target_opset=_OPSET)
    return _keep_probability_of_positive(graph)


class _WholeNumbers:
    """A container of skl2onnx that turns booleans into the integers onnx insists on.

    skl2onnx 1.20 marks the leaves of histogram gradient boosting with False, which onnx 1.23 refuses.
    """

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *args: Any, **attributes: Any) -> None:
        """Pass a node on with its flags as 0 or 1."""
        flags = attributes["nodes_missing_value_tracks_true"]
        self._container.add_node(*args, **{**attributes, "nodes_missing_value_tracks_true": [int(f) for f in flags]})


def _convert_boosting(scope: Any, operator: Any, container: Any) -> None:
    convert_sklearn_random_forest_classifier(scope, operator, _WholeNumbers(container))


update_registered_converter(
    HistGradientBoostingClassifier,
    "SklearnHistGradientBoostingClassifier",
    calculate_linear_classifier_output_shapes,
    _convert_boosting,
    options={"zipmap": [True, False, "columns"], "raw_scores": [True, False], "nocl": [True, False]},
)


def parity(pipeline: Pipeline, bundle: Bundle, table: pd.DataFrame) -> float:
    """Largest absolute difference between the pipeline and the bundle over a table of encounters."""
    return float(np.max(np.abs(probabilities(pipeline, table) - bundle.predict(records(table)))))


def probabilities(pipeline: Pipeline, table: pd.DataFrame) -> NDArray[np.float64]:
    """Probability of readmission by the fitted pipeline, shape ``(rows,)``."""
    answers: NDArray[np.float64] = pipeline.predict_proba(model_inputs(table))[:, 1]
    return answers


def records(table: pd.DataFrame) -> list[Record]:
    """Encounters as the API receives them: known values only, numbers as int."""
    columns = [
        [None if pd.isna(v) else int(v) if c.is_number else str(v) for v in table[c.name].tolist()] for c in FEATURES
    ]
    names = [c.name for c in FEATURES]
    return [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in zip(*columns, strict=True)
    ]


def as_table(requests: list[Record]) -> pd.DataFrame:
    """Records as a table of encounters, absent values as NA; the inverse of :func:`records`."""
    return pd.DataFrame(
        {
            c.name: pd.Series([r.get(c.name) for r in requests], dtype="Float32" if c.is_number else "str")
            for c in FEATURES
        }
    )


def _golden(pipeline: Pipeline, test: pd.DataFrame) -> list[tuple[Record, float]]:
    """Real test encounters without identifiers, complete and with fields left out, and the edges of the contract."""
    drawn = np.random.default_rng(296)
    complete = records(test.sample(min(GOLDEN_ROWS, len(test)), random_state=296))
    partial = [{k: v for k, v in record.items() if drawn.random() < 0.5} for record in complete]
    edges: list[Record] = [
        {},
        {"race": "Caucasian", "gender": "Female", "age": "[60-70)"},
        EXAMPLE_RECORD,
        {"diag_1": "999.99", "diag_2": "V99", "diag_3": "E999"},
        {c.name: c.high for c in FEATURES if c.high is not None},
    ]
    requests = [*complete, *partial, *edges]
    answers = pipeline.predict_proba(model_inputs(as_table(requests)))[:, 1]
    return list(zip(requests, answers.tolist(), strict=True))


def _keep_probability_of_positive(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace the outputs (label, probability of both classes) by the second column of the probabilities."""
    graph = model.graph
    both = graph.output[1].name
    one, axis = "positive_class", "class_axis"
    graph.initializer.append(helper.make_tensor(one, TensorProto.INT64, [], [1]))
    renamed = _rename_tensor(graph, both, "class_probabilities") if both == OUTPUT else both
    graph.node.append(helper.make_node("Gather", [renamed, one], [OUTPUT], name=axis, axis=1))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None]))
    onnx.checker.check_model(model)
    return model


def _rename_tensor(graph: onnx.GraphProto, old: str, new: str) -> str:
    for node in graph.node:
        node.output[:] = [new if name == old else name for name in node.output]
        node.input[:] = [new if name == old else name for name in node.input]
    return new
