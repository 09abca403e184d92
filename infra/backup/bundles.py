"""The production version in a backup: where its bundle is, whether it is intact, and what it answers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from psycopg2 import extensions

from infra.backup.artifacts import FOLDER
from infra.backup.errors import BackupError
from infra.backup.manifest import ProductionEntry
from infra.backup.postgres import rows
from ml.core.bundle import GOLDEN_FILE, MANIFEST_FILE, TOLERANCE, Bundle, load_bundle
from ml.core.errors import BundleError
from ml.core.names import MODEL_NAME, PRODUCTION

SCHEME: Final = "mlflow-artifacts:/"
MAX_REQUESTS: Final = 100

_PRODUCTION: Final = """
    SELECT v.version, coalesce(v.storage_location, v.source) FROM registered_model_aliases a
    JOIN model_versions v ON v.name = a.name AND v.version = a.version
    WHERE a.name = %s AND a.alias = %s
"""


def production_bundle(registry: extensions.connection, backup: Path) -> ProductionEntry | None:
    """Load the bundle of the production version in the backup, which verifies it, and record its answers.

    Raises:
        BackupError: the bundle is not in the backup, or is damaged.
    """
    if not rows(registry, "SELECT to_regclass('registered_model_aliases')")[0][0]:
        return None
    found = rows(registry, _PRODUCTION, MODEL_NAME, PRODUCTION)
    if not found:
        return None
    ((version, location),) = found
    folder = _bundle_folder(backup, location)
    if folder is None:
        raise BackupError(f"The bundle of the production version {version} is missing in the artifacts: {location}.")
    return ProductionEntry(
        version=str(version), bundle=folder.relative_to(backup).as_posix(), answers=tuple(answers(folder, str(version)))
    )


def _bundle_folder(backup: Path, location: str) -> Path | None:
    root = backup / FOLDER / location.removeprefix(SCHEME).lstrip("/")
    manifests = sorted(root.rglob(MANIFEST_FILE), key=lambda path: len(path.parts))
    return next((path.parent for path in manifests if (path.parent / GOLDEN_FILE).exists()), None)


def answers(folder: Path, version: str) -> list[str]:
    """Predictions of the bundle for its golden requests, as hexadecimal floats.

    Raises:
        BackupError: the bundle does not load.
    """
    try:
        bundle = load_bundle(folder)
    except BundleError as error:
        raise BackupError(f"The bundle of the production version {version} is damaged: {error}") from None
    return [float(value).hex() for value in _predict(bundle, folder)]


def _predict(bundle: Bundle, folder: Path) -> Sequence[float]:
    requests = json.loads((folder / GOLDEN_FILE).read_text())["requests"][:MAX_REQUESTS]
    predictions: list[float] = bundle.predict([request["record"] for request in requests]).tolist()
    return predictions


def check_answers(folder: Path, production: ProductionEntry) -> str:
    """Compare the answers of a restored bundle with those in the manifest; returns what was found.

    Another processor may round differently, within the tolerance of every bundle.

    Raises:
        BackupError: an answer differs by more.
    """
    expected, found = production.answers, answers(folder, production.version)
    values = [np.array([float.fromhex(text) for text in texts]) for texts in (expected, found)]
    if len(expected) != len(found) or np.max(np.abs(values[0] - values[1]), initial=0.0) > TOLERANCE:
        raise BackupError(f"The production version {production.version} answers differently than before.")
    equal = sum(left == right for left, right in zip(expected, found, strict=True))
    return f"Production version {production.version}: {equal} of {len(found)} stored requests are answered bit for bit"
