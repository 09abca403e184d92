"""Environments of the clients: created from the package registries, kept below ``.local/clients`` by their pins."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from infra.local.settings import ROOT
from tests.support.programs import required

EXAMPLES: Final = ROOT / "docs" / "clients"
CACHE: Final = ROOT / ".local" / "clients"
_METADATA: Final = re.compile(r"^# /// script\n(.*?)^# ///$", re.MULTILINE | re.DOTALL)


def python_environment(script: Path) -> Path:
    """The folder of the environment with the packages that a script names in its head (PEP 723)."""
    found = _METADATA.search(script.read_text())
    assert found, f"{script} names no packages"
    packages = tomllib.loads(re.sub(r"^# ?", "", found[1], flags=re.MULTILINE))["dependencies"]
    assert all("==" in package for package in packages), f"{script} pins its packages"
    uv = required("uv", str(ROOT / ".local/uv/bin/uv"), package="python3-venv, then make env")

    def create(folder: Path) -> None:
        run([uv, "venv", "--quiet", folder])
        run([uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", *packages])

    return _cached(script.stem, "\n".join(packages), create)


def node_environment(package: Path) -> Path:
    """The folder with the packages that a ``package.json`` names."""
    npm = required("npm", package="npm")

    def create(folder: Path) -> None:
        folder.mkdir()
        shutil.copy(package, folder)
        run([npm, "install", "--no-audit", "--no-fund", "--loglevel=error"], folder)

    return _cached(package.parent.name, package.read_text(), create)


def run(command: list[str | Path], folder: Path = ROOT, **environment: str) -> str:
    """Run a program; returns what it prints."""
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def _cached(name: str, pins: str, create: Callable[[Path], None]) -> Path:
    folder = CACHE / f"{name}-{sha256(pins.encode()).hexdigest()[:12]}"
    complete = folder / "complete"
    if not complete.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        create(folder)
        complete.touch()
    return folder
