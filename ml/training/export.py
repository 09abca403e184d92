"""Export of a fitted model as a bundle: ONNX graph, golden requests and manifest."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import pandas as pd

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
from ml.core.bundle.trial import try_bundle
from ml.core.errors import BundleError
from ml.core.history import history_of
from ml.features.records import predict_table, to_table
from ml.schema import EXAMPLE_RECORD, INPUTS, UNKNOWN, Record
from ml.schema.marginals import MARGINALS
from ml.training.models import RiskModel
from ml.training.onnx_graph.graph import to_graph
from ml.training.rows import SEED

GOLDEN_ROWS: Final = 48


def write_bundle(model: RiskModel, test: pd.DataFrame, manifest: dict[str, Any], directory: Path) -> Bundle:
    """Write a bundle to an existing directory, load it with the API's code, and compare it with the model.

    The test encounters, with history, are for the comparison only: no patient is in the bundle. ``manifest`` is a
    :class:`ml.core.bundle.Manifest` without ``files``, ``texts`` and ``numbers``.

    Raises:
        BundleError: a probability of the graph differs from the fitted model's by more than the tolerance.
    """
    onnx.save(to_graph(model), directory / MODEL_FILE)
    records = _golden_records()
    expected = model.predict(to_table(records)).tolist()
    requests = [{"record": record, "probability": p} for record, p in zip(records, expected, strict=True)]
    (directory / GOLDEN_FILE).write_text(json.dumps({"tolerance": TOLERANCE, "requests": requests}, indent=1))
    files = {name: sha256_of(directory / name) for name in (MODEL_FILE, GOLDEN_FILE)}
    checked = Manifest.model_validate({**manifest, "texts": TEXTS, "numbers": NUMBERS, "files": files})
    (directory / MANIFEST_FILE).write_text(json.dumps(checked.model_dump(by_alias=True), indent=1))
    bundle = load_bundle(directory)
    try_bundle(bundle)  # the API refuses what does not pass
    difference = parity(model, bundle, test)
    if not difference <= TOLERANCE:
        raise BundleError(
            f"The exported graph differs from the fitted model by {difference:.2g}, allowed are {TOLERANCE}."
        )
    return bundle


def parity(model: RiskModel, bundle: Bundle, table: pd.DataFrame) -> float:
    """Largest absolute difference between the model and the bundle over a table of encounters."""
    return float(np.max(np.abs(model.predict(table) - predict_table(bundle.predict, table))))


def _golden_records() -> list[Record]:
    """Synthetic encounters, the same with fields left out, and edge cases of the schema.

    Each field is drawn for itself, as often as its values occur in the data set: the records are those of no patient.
    """
    generator = np.random.default_rng(SEED)
    complete = [_draw_record(generator) for _ in range(GOLDEN_ROWS)]
    partial = [{k: v for k, v in record.items() if generator.random() < 0.5} for record in complete]
    edges: list[Record] = [
        {},
        {"race": "Caucasian", "gender": "Female", "age": "[60-70)"},
        EXAMPLE_RECORD,
        {"diag_1": "999.99", "diag_2": "V99", "diag_3": "E999", "previous_diagnosis": "008.4"},
        {"earlier_stays": 0, **EXAMPLE_RECORD},
        {c.name: c.high for c in INPUTS if c.high is not None},
    ]
    return [*complete, *partial, *edges]


def _draw_record(generator: np.random.Generator) -> Record:
    """The last of some stays, with the history that the others make."""
    *earlier, last = [_draw_stay(generator) for _ in range(generator.integers(1, 6))]
    return {name: value for name, value in {**last, **history_of(earlier)}.items() if value is not None}


def _draw_stay(generator: np.random.Generator) -> dict[str, str | int | None]:
    stay: dict[str, str | int | None] = {}
    for name, counts in MARGINALS.items():
        values = list(counts)
        drawn = values[generator.choice(len(values), p=np.array([*counts.values()]) / sum(counts.values()))]
        stay[name] = None if drawn == UNKNOWN else drawn
    return stay
