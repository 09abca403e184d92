"""Code version: hash of the modules and library versions that shape a model; fingerprint: hash of all its inputs."""

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

ROOTS: Final = ("ml.training.models", "ml.training.export", "ml.training.manifest")
"""Modules that encode, fit, export and write a bundle. With all modules of `ml` that they import, directly or not, they
shape a model. How the data are split is part of the data version."""
LIBRARIES: Final = ("numpy", "onnx", "pandas", "scikit-learn", "scipy", "xgboost-cpu")
FOLDER: Final = Path(__file__).parents[2]


def fingerprint(data_version: str, family: str, parameters: Mapping[str, Any]) -> str:
    """SHA-256 over data version, code version, family and parameters. Equal fingerprints mean equal models."""
    parts = [data_version, code_version(), family, json.dumps(dict(parameters), sort_keys=True)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def code_version(folder: Path = FOLDER) -> str:
    """SHA-256 over the modules and library versions that shape a model; the same in a checkout and in an image."""
    digest = hashlib.sha256()
    for name, source in sorted(import_closure(folder).items()):
        digest.update(f"{name} {len(source)}\n".encode() + source)
    for library in LIBRARIES:
        digest.update(f"{library} {metadata.version(library)}\n".encode())
    return digest.hexdigest()


def import_closure(folder: Path) -> dict[str, bytes]:
    """Names and sources of :data:`ROOTS` and of all modules of `ml` that importing them runs; line ends are LF."""
    sources: dict[str, bytes] = {}
    pending = list(ROOTS)
    while pending:
        name = pending.pop()
        path = _path(folder, name)
        if path is None and name in ROOTS:
            raise ImportError(f"no source of {name}")
        if path is None or name in sources:
            continue
        sources[name] = path.read_bytes().replace(b"\r\n", b"\n")
        pending += _imports(sources[name])
        if "." in name:
            pending.append(name.rpartition(".")[0])
    return sources


def _path(folder: Path, name: str) -> Path | None:
    module = folder.joinpath(*name.split("."))
    candidates = (module.with_suffix(".py"), module / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _imports(source: bytes) -> Iterator[str]:
    """Names in `ml` that a module imports, also within functions; a name may be a module or a member of one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "ml")
