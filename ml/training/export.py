"""A fitted model as a bundle: one ONNX graph from raw fields to probability, with golden requests beside it."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import pandas as pd
from numpy.typing import NDArray

from ml.core.bundle import (
    GOLDEN_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    NUMBERS,
    TEXTS,
    TOLERANCE,
    Bundle,
    Manifest,
    load_bundle,
    sha256_of,
)
from ml.core.errors import BundleError
from ml.features.records import to_records, to_table
from ml.features.tables import model_inputs
from ml.schema import EXAMPLE_RECORD, INPUTS, Record
from ml.training.models import RiskModel
from ml.training.onnx_graph import to_graph

GOLDEN_ROWS: Final = 48


def write_bundle(model: RiskModel, test: pd.DataFrame, manifest: dict[str, Any], directory: Path) -> Bundle:
    """Write a bundle, load it as the API will, and prove its parity on the whole test set.

    Args:
        model: fitted.
        test: encounters to prove parity on and to draw golden requests from, history included.
        manifest: ``manifest.json`` without ``files``, ``texts`` and ``numbers``; see :class:`ml.core.bundle.Manifest`.
        directory: an existing directory that receives the files.

    Raises:
        BundleError: an answer of the graph differs from the fitted model's by more than the tolerance.
    """
    onnx.save(to_graph(model), directory / MODEL_FILE)
    golden = [{"record": record, "probability": p} for record, p in _golden(model, test)]
    (directory / GOLDEN_FILE).write_text(json.dumps({"tolerance": TOLERANCE, "requests": golden}, indent=1))
    files = {name: sha256_of(directory / name) for name in (MODEL_FILE, GOLDEN_FILE)}
    checked = Manifest.model_validate({**manifest, "texts": TEXTS, "numbers": NUMBERS, "files": files})
    (directory / MANIFEST_FILE).write_text(json.dumps(checked.model_dump(by_alias=True), indent=1))
    bundle = load_bundle(directory)
    difference = parity(model, bundle, test)
    if not difference <= TOLERANCE:
        raise BundleError(
            f"The exported graph differs from the fitted model by {difference:.2g}, allowed are {TOLERANCE}."
        )
    return bundle


def parity(model: RiskModel, bundle: Bundle, table: pd.DataFrame) -> float:
    """Largest absolute difference between the model and the bundle over a table of encounters."""
    return float(np.max(np.abs(probabilities(model, table) - bundle.predict(to_records(table)))))


def probabilities(model: RiskModel, table: pd.DataFrame) -> NDArray[np.float64]:
    """Probability of readmission by the fitted model, shape ``(rows,)``."""
    return model.probabilities(model_inputs(table))


def _golden(model: RiskModel, test: pd.DataFrame) -> list[tuple[Record, float]]:
    """Real test encounters without identifiers, complete and with fields left out, and the edges of the contract."""
    drawn = np.random.default_rng(296)
    complete = to_records(test.sample(min(GOLDEN_ROWS, len(test)), random_state=296))
    partial = [{k: v for k, v in record.items() if drawn.random() < 0.5} for record in complete]
    edges: list[Record] = [
        {},
        {"race": "Caucasian", "gender": "Female", "age": "[60-70)"},
        EXAMPLE_RECORD,
        {"diag_1": "999.99", "diag_2": "V99", "diag_3": "E999", "previous_diagnosis": "008.4"},
        {"earlier_stays": 0, **EXAMPLE_RECORD},
        {c.name: c.high for c in INPUTS if c.high is not None},
    ]
    requests = [*complete, *partial, *edges]
    return list(zip(requests, probabilities(model, to_table(requests)).tolist(), strict=True))
