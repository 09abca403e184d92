"""The last good model on the service's own disk, so that it starts while MLflow is away.

``<cache>/current.json`` names a folder beside it and the version that the folder holds. It is replaced in one
step, after the folder is complete; a reader therefore sees the old model or the new one, never half of one.
"""

import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from api.models.registry_client import RegisteredVersion

logger = logging.getLogger(__name__)

_POINTER: Final = "current.json"
_VERSION_PREFIX: Final = "version-"
_SCRATCH_PREFIX: Final = "scratch-"
_ABANDONED_SECONDS: Final = 900
"""A scratch folder this old belongs to a process that is gone; a younger one may be another worker's."""


class ModelCache:
    """The folders of the current and the previous model."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def current(self) -> tuple[RegisteredVersion, Path] | None:
        """The version published last and its folder; None when there is none, or when the pointer is damaged."""
        pointer = self._pointer()
        try:
            version = RegisteredVersion(**pointer["version"])
            folder = self._root / Path(pointer["folder"]).name
        except (KeyError, TypeError):
            return None
        return version, folder

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder to download into; gone at the end unless published."""
        self._root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=_SCRATCH_PREFIX, dir=self._root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, version: RegisteredVersion, scratch: Path) -> None:
        """Make a complete scratch folder the current one, keep the one before it, remove the others."""
        previous = self._pointer().get("folder")
        folder = scratch.with_name(f"{_VERSION_PREFIX}{version.version}-{scratch.name.removeprefix(_SCRATCH_PREFIX)}")
        for file in scratch.iterdir():
            _sync(file)
        scratch.rename(folder)
        pointer = scratch.with_suffix(".json")
        pointer.write_text(json.dumps({"version": asdict(version), "folder": folder.name, "previous": previous}))
        _sync(pointer)
        pointer.replace(self._root / _POINTER)
        self._tidy(keep={folder.name, previous})

    def _pointer(self) -> dict[str, Any]:
        try:
            pointer = json.loads((self._root / _POINTER).read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            logger.warning("the pointer of the model cache cannot be read: %s", type(error).__name__)
            return {}
        return pointer if isinstance(pointer, dict) else {}

    def _tidy(self, keep: set[Any]) -> None:
        for folder in self._root.glob(f"{_VERSION_PREFIX}*"):
            if folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)
        for leftover in self._root.glob(f"{_SCRATCH_PREFIX}*"):
            if time.time() - leftover.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(leftover, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
