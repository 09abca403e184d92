"""Fuzzed files: a mutated bundle is refused, or answers like the original; nothing crashes and memory is bounded."""

import json
import resource
import shutil
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.core.bundle import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE, Bundle, load_bundle
from ml.core.bundle.graph_rules import check_graph
from ml.core.bundle.trial import try_bundle
from ml.core.errors import BundleError
from ml.core.sandbox.process import sandboxed
from tests.integration.api.bundles import RECORDS, expected, seal, write_bundle

BIAS = -2.0
MEMORY_BYTES = 300 * 1024**2
"""What one mutated file may add to the memory of the process: a valid one takes a few megabytes."""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=10,
)


@cache
def original() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        bundle = write_bundle(Path(folder) / "bundle", BIAS)
        return {name: (bundle / name).read_bytes() for name in (MODEL_FILE, GOLDEN_FILE, MANIFEST_FILE)}


@pytest.fixture(autouse=True, scope="module")
def bounded_memory() -> Iterator[None]:
    """The files are read in this process, with little memory more than it has: more would be a MemoryError."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    data = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (int(data.split()[1]) * 1024 + MEMORY_BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_DATA, before)


@st.composite
def mutated(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with bytes replaced, deleted, repeated or inserted at a few places."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(len(changed) - 1, 0)))
        end = start + draw(st.integers(0, 12))
        kind = draw(st.sampled_from(["replace", "delete", "repeat", "cut"]))
        if kind == "replace":
            changed[start:end] = draw(st.binary(max_size=12))
        elif kind == "delete":
            del changed[start:end]
        elif kind == "repeat":
            changed[start:start] = bytes(changed[start:end]) * draw(st.integers(1, 100))
        else:
            del changed[start:]
    return bytes(changed)


def answers_like_the_original(bundle: Any) -> bool:
    answers = bundle.predict(RECORDS)
    return bool(answers == pytest.approx([expected(record, BIAS) for record in RECORDS], abs=1e-5))


def load(**files: bytes) -> Bundle | None:
    """The bundle with these files in place of the original ones, sealed; None if it is refused."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in original().items():
            (folder / file).write_bytes(files.get(file, content))
        if MANIFEST_FILE not in files:
            seal(folder)
        try:
            bundle = load_bundle(folder)
            try_bundle(bundle)
        except BundleError:
            return None
        return bundle


@settings(max_examples=300)
@given(mutated(original()[MODEL_FILE]))
def test_a_mutated_graph_is_refused_by_the_allow_list_or_is_a_graph_of_ours(content: bytes) -> None:
    with suppress(BundleError):
        check_graph(content)


@settings(max_examples=200)
@given(st.binary(max_size=4000))
def test_any_bytes_are_no_graph(content: bytes) -> None:
    with pytest.raises(BundleError):
        check_graph(content)


@settings(max_examples=60)
@given(mutated(original()[GOLDEN_FILE]))
def test_mutated_golden_requests_are_refused_or_the_model_answers_the_same(content: bytes) -> None:
    bundle = load(**{GOLDEN_FILE: content})

    assert bundle is None or answers_like_the_original(bundle)


@settings(max_examples=60)
@given(mutated(original()[MANIFEST_FILE]))
def test_a_mutated_manifest_is_refused_or_the_model_answers_the_same(content: bytes) -> None:
    bundle = load(**{MANIFEST_FILE: content})

    assert bundle is None or answers_like_the_original(bundle)


@settings(max_examples=150)
@given(st.sampled_from(sorted(json.loads(original()[MANIFEST_FILE]))), VALUES)
def test_any_value_of_a_manifest_is_refused_or_every_answer_is_sound(key: str, value: Any) -> None:
    manifest = {**json.loads(original()[MANIFEST_FILE]), key: value}
    bundle = load(**{MANIFEST_FILE: json.dumps(manifest).encode()})

    assert bundle is None or answers_like_the_original(bundle)


@settings(max_examples=150)
@given(st.sampled_from(sorted(json.loads(original()[MANIFEST_FILE])["completeness"])), VALUES)
def test_any_value_of_the_reliability_curve_is_refused_or_every_answer_is_sound(key: str, value: Any) -> None:
    manifest = json.loads(original()[MANIFEST_FILE])
    manifest["completeness"][key] = value
    bundle = load(**{MANIFEST_FILE: json.dumps(manifest).encode()})

    assert bundle is None or answers_like_the_original(bundle)


@settings(max_examples=6)
@given(mutated(original()[MODEL_FILE]))
def test_a_mutated_graph_is_refused_by_the_sandbox_or_answers_probabilities(content: bytes) -> None:
    """With ONNX Runtime, which may crash on such a file: its process, not this one."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file, original_content in original().items():
            (folder / file).write_bytes(content if file == MODEL_FILE else original_content)
        seal(folder)
        with suppress(BundleError), sandboxed(folder) as bundle:
            answers = bundle.predict(RECORDS)
            assert ((answers >= 0) & (answers <= 1)).all()


def test_a_folder_with_other_things_in_place_of_files_is_refused(tmp_path: Path) -> None:
    for name in (MODEL_FILE, GOLDEN_FILE, MANIFEST_FILE):
        folder = write_bundle(tmp_path / name, BIAS)
        (folder / name).unlink()
        (folder / name).mkdir()
        with pytest.raises(BundleError):
            load_bundle(folder)
        shutil.rmtree(folder / name)
        (folder / name).symlink_to("/dev/zero")  # endless
        with pytest.raises(BundleError):
            load_bundle(folder)
