"""What one worker process of pytest makes and the others read: models that take seconds to fit, bundles."""

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

Value = TypeVar("Value")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[], Value]) -> Value:
    """The value of ``make()``, which one process calls; every caller gets a copy of its own.

    Args:
        factory: pytest's fixture ``tmp_path_factory``.
        name: unique within the session.
        make: depends on nothing but constants, so that every process would make the same.
    """

    def write(folder: Path) -> None:
        (folder / "value.pickle").write_bytes(pickle.dumps(make()))

    found: Value = pickle.loads((folder_made_once(factory, name, write) / "value.pickle").read_bytes())  # noqa: S301  our own
    return found


def folder_made_once(factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], Any]) -> Path:
    """The folder that ``fill(folder)`` fills in one process; nobody may change it afterwards."""
    session = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a folder of its own in that of the session
        session = session.parent
    folder = session / "made-once" / name
    folder.parent.mkdir(exist_ok=True)
    with folder.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_name(f"{name}.unfinished")
            unfinished.mkdir()
            fill(unfinished)
            unfinished.rename(folder)
    return folder
