"""Disk cache of the last valid model, so that the service starts while MLflow is unavailable.

``<cache>/current.json`` names a folder beside it and the version in that folder. It is replaced atomically after the
folder is complete: a reader sees the old model or the new one, never an incomplete one. Workers share the cache: one
publishes at a time.
"""

import fcntl
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from api.models.approvals import store_approval
from api.models.refusals import Refusals
from api.models.registry_client import RegisteredVersion
from ml.core.signing.approval import Verified

logger = logging.getLogger(__name__)

_POINTER: Final = "current.json"
_LOCK: Final = "publish.lock"
_VERSION_PREFIX: Final = "version-"
_SCRATCH_PREFIX: Final = "scratch-"
_SCRATCH_MAX_SECONDS: Final = 900
"""Age at which a scratch folder is deleted; a younger one may belong to another worker."""


class ModelCache:
    """Folders of the current and the previous model."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def current(self) -> tuple[RegisteredVersion, Path] | None:
        """The last published version and its folder; None if there is none, or the pointer is damaged."""
        pointer = self._pointer()
        try:
            version = RegisteredVersion(**pointer["version"])
            folder = self._root / Path(pointer["folder"]).name
        except (KeyError, TypeError):
            return None
        return version, folder

    def refusals(self) -> Refusals:
        """Versions that failed their checks."""
        return Refusals(self._root)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder for a download; deleted at the end unless published."""
        self._root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=_SCRATCH_PREFIX, dir=self._root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, version: RegisteredVersion, scratch: Path) -> None:
        """Make a complete scratch folder current; keeps the previous one and deletes all others."""
        with (self._root / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # else a worker could delete the folder that another one makes current
            self._publish(version, scratch)

    def store_approval(self, version: RegisteredVersion, approval: Verified) -> None:
        """Replace the approval of the current model, if it is this version."""
        current = self.current()
        if current is not None and current[0] == version:
            with suppress(OSError):  # then a restart finds the former approval, and the next poll this one
                store_approval(current[1], approval)

    def _publish(self, version: RegisteredVersion, scratch: Path) -> None:
        previous = self._pointer().get("folder")
        folder = scratch.with_name(f"{_VERSION_PREFIX}{version.version}-{scratch.name.removeprefix(_SCRATCH_PREFIX)}")
        for file in scratch.iterdir():
            _sync(file)
        scratch.rename(folder)
        pointer = scratch.with_suffix(".json")
        pointer.write_text(json.dumps({"version": asdict(version), "folder": folder.name, "previous": previous}))
        _sync(pointer)
        pointer.replace(self._root / _POINTER)
        self._delete_others(keep={folder.name, previous})

    def _pointer(self) -> dict[str, Any]:
        try:
            pointer = json.loads((self._root / _POINTER).read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            logger.warning("the pointer of the model cache is not readable: %s", type(error).__name__)
            return {}
        return pointer if isinstance(pointer, dict) else {}

    def _delete_others(self, keep: set[Any]) -> None:
        for folder in self._root.glob(f"{_VERSION_PREFIX}*"):
            if folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)
        for leftover in self._root.glob(f"{_SCRATCH_PREFIX}*"):
            with suppress(FileNotFoundError):  # another worker has published or deleted it
                if time.time() - leftover.stat().st_mtime > _SCRATCH_MAX_SECONDS:
                    shutil.rmtree(leftover, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
