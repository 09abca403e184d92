"""The model bundle: the files of one model version, and the code that serves them.

A bundle is a directory with three files, none of them executable:

``model.onnx``     graph with the inputs ``texts`` and ``numbers`` and the output ``probability``
``golden.json``    golden requests: records with the predictions of the fitted model
``manifest.json``  checksums of both, provenance, metrics, risk distribution

The gate and the API use the same :func:`load_bundle`, so the approved model is the served model.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from ml.core.errors import BundleError
from ml.core.reliability import ReliabilityCurve
from ml.schema import INPUTS, UNKNOWN, Record

MODEL_FILE: Final = "model.onnx"
GOLDEN_FILE: Final = "golden.json"
MANIFEST_FILE: Final = "manifest.json"
OUTPUT: Final = "probability"
TOLERANCE: Final = 1e-6
"""Largest accepted difference between a golden prediction and its replay."""


class Manifest(BaseModel, frozen=True, extra="forbid"):
    """Content of ``manifest.json``; an alias is the key in the file where it differs from the attribute."""

    algorithm: str
    provenance: Literal["real", "synthetic"] = Field(alias="data_source")
    data_version: str
    trained_at: str  # ISO 8601, UTC
    prevalence: float  # share of positives in the training data
    risk_quantiles: tuple[float, ...]  # 101 quantiles (0 %, 1 %, … 100 %) of risk among the test patients
    metrics: dict[str, dict[str, float]]  # name -> {"value", "low", "high"}
    reliability_curve: ReliabilityCurve = Field(alias="completeness")
    texts: tuple[str, ...]  # columns of the graph's input ``texts``, in order
    numbers: tuple[str, ...]  # columns of the graph's input ``numbers``, in order
    files: dict[str, str]  # file name -> SHA-256

    @classmethod
    def read(cls, directory: Path) -> "Manifest":
        """Read ``manifest.json``.

        Raises:
            BundleError: the file is missing or malformed.
        """
        try:
            return cls.model_validate_json((directory / MANIFEST_FILE).read_text())
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            place = ".".join(map(str, fault["loc"]))
            raise BundleError(f"The manifest of the model cannot be read: {place}: {fault['msg']}.") from error
        except (OSError, ValueError) as error:
            raise BundleError(f"The manifest of the model cannot be read: {error}.") from error


class Bundle:
    """A verified bundle that predicts; thread-safe."""

    def __init__(self, manifest: Manifest, session: ort.InferenceSession) -> None:
        self.manifest = manifest
        self.reliability_curve = manifest.reliability_curve
        self._session = session

    def predict(self, records: Sequence[Record]) -> NDArray[np.float32]:
        """Probability of readmission within 30 days, shape ``(len(records),)``."""
        return self.run(encode(records))

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Predict records that are already encoded; see :func:`encode`."""
        (output,) = self._session.run([OUTPUT], inputs)
        return np.asarray(output, dtype=np.float32).reshape(-1)


TEXTS: Final = tuple(column.name for column in INPUTS if not column.is_number)
NUMBERS: Final = tuple(column.name for column in INPUTS if column.is_number)
"""Columns of the graph's two inputs, ``texts`` and ``numbers``, in order."""

_UNKNOWN_TEXTS: Final = (UNKNOWN,) * len(TEXTS)
_UNKNOWN_NUMBERS: Final = (math.nan,) * len(NUMBERS)


def encode(records: Sequence[Record]) -> dict[str, NDArray[Any]]:
    """Encode records as inputs of the graph: ``texts`` ``(n, len(TEXTS))`` and ``numbers`` ``(n, len(NUMBERS))``.

    An unknown value is ``"?"`` in ``texts`` and NaN in ``numbers``.
    """
    known = [record if None not in record.values() else _drop_unknown(record) for record in records]
    texts = [list(map(record.get, TEXTS, _UNKNOWN_TEXTS)) for record in known]
    numbers = [list(map(record.get, NUMBERS, _UNKNOWN_NUMBERS)) for record in known]
    return {"texts": np.array(texts, dtype=object), "numbers": np.array(numbers, dtype=np.float32)}


def _drop_unknown(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not None}


def load_bundle(directory: Path, threads: int = 1) -> Bundle:
    """Load and verify a bundle: checksums, inputs and outputs of the graph, golden requests.

    Raises:
        BundleError: naming the check that failed.
    """
    manifest = Manifest.read(directory)
    for name in (MODEL_FILE, GOLDEN_FILE):
        if name not in manifest.files or sha256_of(directory / name) != manifest.files[name]:
            raise BundleError(f"{name} does not match its checksum in the manifest.")
    if (manifest.texts, manifest.numbers) != (TEXTS, NUMBERS):
        wrong = set(manifest.texts + manifest.numbers) ^ {*TEXTS, *NUMBERS}
        raise BundleError(f"The graph has other inputs than the schema: {', '.join(sorted(wrong)) or 'another order'}.")
    bundle = Bundle(manifest, _open_session(directory / MODEL_FILE, threads))
    difference = replay(bundle, directory / GOLDEN_FILE)
    if not difference <= TOLERANCE:  # also true for NaN
        raise BundleError(
            f"The golden requests fail: a prediction differs by {difference:.2g}, the tolerance is {TOLERANCE:.0e}."
        )
    return bundle


def replay(bundle: Bundle, golden: Path) -> float:
    """Predict the golden requests again; returns the largest absolute difference.

    Raises:
        BundleError: the golden requests are missing or malformed, or the graph fails on one.
    """
    try:
        requests = json.loads(golden.read_text())["requests"]
        records = [request["record"] for request in requests]
        expected = np.array([request["probability"] for request in requests], dtype=np.float64)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BundleError(f"The golden requests cannot be read: {error}.") from error
    if not records:
        raise BundleError("The bundle holds no golden requests.")
    try:
        predictions = bundle.predict(records)
    except Exception as error:
        raise BundleError(f"The graph fails on a golden request: {error}.") from error
    return float(np.max(np.abs(predictions - expected)))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex.

    Raises:
        BundleError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(f"{path.name} cannot be read: {error}.") from error


def _open_session(model: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # an invalid graph is reported by the BundleError below
    try:
        session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BundleError(f"The graph cannot be loaded: {str(error).replace(str(model), model.name)}.") from error
    expected = {"texts": len(TEXTS), "numbers": len(NUMBERS)}
    if (inputs := {node.name: node.shape[-1] for node in session.get_inputs()}) != expected:
        raise BundleError(f"The graph has other inputs than the schema: {inputs} in place of {expected}.")
    if OUTPUT not in {node.name for node in session.get_outputs()}:
        raise BundleError(f"The graph has no output named '{OUTPUT}'.")
    return session
