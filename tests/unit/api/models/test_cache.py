"""The model cache keeps the current and the previous model, and ignores damaged pointers."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from api.models.cache import ModelCache
from api.models.registry_client import RegisteredVersion


def publish(cache: ModelCache, version: str) -> RegisteredVersion:
    registered = RegisteredVersion("diabetes-readmission", version, 1_700_000_000_000, f"models:/m-{version}")
    with cache.scratch() as scratch:
        (scratch / "model.onnx").write_text(version)
        cache.publish(registered, scratch)
    return registered


def test_the_published_version_is_current(tmp_path: Path) -> None:
    registered = publish(ModelCache(tmp_path / "cache"), "1")

    current = ModelCache(tmp_path / "cache").current()

    assert current is not None
    assert current[0] == registered
    assert (current[1] / "model.onnx").read_text() == "1"


def test_only_the_current_and_the_previous_model_are_kept(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path)
    for version in "1234":
        publish(cache, version)

    kept = sorted(path.name.split("-")[1] for path in tmp_path.iterdir() if path.is_dir())

    assert kept == ["3", "4"]


def test_workers_that_publish_at_the_same_time_leave_a_current_model(tmp_path: Path) -> None:
    workers, together = [ModelCache(tmp_path) for _ in range(4)], Barrier(4)

    def publish_with_others(worker: ModelCache, version: str) -> None:
        together.wait(30)
        publish(worker, version)

    with ThreadPoolExecutor(len(workers)) as pool:
        for number in range(20):
            list(pool.map(publish_with_others, workers, [str(number)] * len(workers)))
            current = ModelCache(tmp_path).current()
            assert current is not None
            assert (current[1] / "model.onnx").read_text() == str(number)


def test_an_unpublished_scratch_folder_is_deleted(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path)

    with cache.scratch() as scratch:
        (scratch / "model.onnx").write_text("half")

    assert list(tmp_path.iterdir()) == []
    assert cache.current() is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": {}, "folder": "x"}', '{"version": 1}', "\x00"])
def test_a_damaged_pointer_is_ignored(tmp_path: Path, content: str) -> None:
    (tmp_path / "current.json").write_text(content)

    assert ModelCache(tmp_path).current() is None


def test_a_pointer_cannot_leave_the_cache_folder(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path)
    publish(cache, "1")
    pointer = tmp_path / "current.json"
    pointer.write_text(pointer.read_text().replace('"version-1', '"../../version-1'))

    current = cache.current()

    assert current is not None
    assert current[1].parent == tmp_path
