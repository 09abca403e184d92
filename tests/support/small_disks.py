"""Small file systems that a test fills to the last byte; they need root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount an empty file system in a folder, and unmount it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"needs root to mount: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Take the rest of the space on the file system of a folder, and give it back at the end."""
    ballast = folder / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            for size in (1_048_576, 4_096, 1):
                _write_all(file.fileno(), b"\0" * size)
        yield
    finally:
        ballast.unlink()


def _write_all(descriptor: int, block: bytes) -> None:
    while True:
        try:
            if os.write(descriptor, block) < len(block):
                return
        except OSError:  # no space left
            return
