"""The loaded bundle, which predicts."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ml.core.bundle.files import GOLDEN_FILE, MODEL_FILE, read_limited
from ml.core.bundle.golden import TOLERANCE, replay
from ml.core.bundle.graph_rules import check_graph
from ml.core.bundle.inputs import NUMBERS, OUTPUT, TEXTS, encode
from ml.core.bundle.manifest import Manifest
from ml.core.errors import BundleError
from ml.schema import Record

CHUNK: Final = 250
"""Records per model call. Bounds the memory of a large batch, and the time for which encoding holds the lock."""

_FOLDING_BYTES: Final = 16 * 1024 * 1024
"""Limit of ONNX Runtime for a constant that it computes while it loads a graph; its default is 1 GiB."""


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


def load_bundle(directory: Path, threads: int = 1, graph_is_checked: bool = False) -> Bundle:
    """Load and verify a bundle: schema of the manifest, checksums, allow-list of the graph, golden requests.

    The allow-list costs as much time as loading; ``graph_is_checked`` leaves it out for files that passed it before.

    Raises:
        BundleError: naming the check that failed.
    """
    manifest = Manifest.read(directory)
    content, golden = (read_limited(directory / name) for name in (MODEL_FILE, GOLDEN_FILE))
    for name, read in ((MODEL_FILE, content), (GOLDEN_FILE, golden)):
        if hashlib.sha256(read).hexdigest() != manifest.files[name]:
            raise BundleError(f"{name} does not match its checksum in the manifest.")
    if (manifest.texts, manifest.numbers) != (TEXTS, NUMBERS):
        wrong = set(manifest.texts + manifest.numbers) ^ {*TEXTS, *NUMBERS}
        raise BundleError(f"The graph has other inputs than the schema: {', '.join(sorted(wrong)) or 'another order'}.")
    if not graph_is_checked:
        check_graph(content)
    bundle = Bundle(manifest, _open_session(content, threads))
    difference = replay(bundle, golden)
    if not difference <= TOLERANCE:  # also true for NaN
        raise BundleError(
            f"The golden requests fail: a prediction differs by {difference:.2g}, the tolerance is {TOLERANCE:.0e}."
        )
    return bundle


def _open_session(content: bytes, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # an invalid graph is reported by the BundleError below
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.add_session_config_entry("optimization.constant_folding_max_output_size_in_bytes", str(_FOLDING_BYTES))
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # whatever the runtime raises on an untrusted graph
        raise BundleError(f"The graph cannot be loaded: {error}.") from error
