"""Download of one bundle over MLflow's REST interface, without its client: importing that takes seconds."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

from ml.core.bundle import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE
from ml.core.errors import BundleError, RegistryError
from ml.core.names import MODEL_NAME, PRODUCTION

_MISSING: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""MLflow's error codes for a version or an alias that does not exist."""
_OK: Final = 200
_SECONDS: Final = 60
_OPENER: Final = build_opener(ProxyHandler({}))  # MLflow is in the same network


@contextmanager
def downloaded_bundle(uri: str, number: str | None = None) -> Iterator[Path]:
    """The bundle of a version, by default production, in a temporary directory that exists within the context.

    Raises:
        BundleError: the version exists, but files of its bundle were deleted.
        RegistryError: there is no such version, or MLflow cannot be reached.
    """
    number = number or _production(uri)
    document = _get(uri, "model-versions/get-download-uri", name=MODEL_NAME, version=number)
    if document is None:
        raise RegistryError(f"MLflow at {uri} has no version {number}: python -m ml list shows the versions.")
    folder = quote(urlsplit(str(document.get("artifact_uri", ""))).path.strip("/"))
    with tempfile.TemporaryDirectory() as scratch:
        for name in (MODEL_FILE, GOLDEN_FILE, MANIFEST_FILE):
            _download(uri, f"mlflow-artifacts/artifacts/{folder}/{name}", Path(scratch) / name, number)
        yield Path(scratch)


def _production(uri: str) -> str:
    document = _get(uri, "registered-models/alias", name=MODEL_NAME, alias=PRODUCTION)
    if document is None:
        raise RegistryError("There is no production model yet: run train_models_diabetes_simple.")
    return str(document["model_version"]["version"])


def _download(uri: str, path: str, target: Path, number: str) -> None:
    status, content = _request(uri, path)
    if status != _OK:
        raise BundleError(f"Version {number} has lost files in MLflow: {target.name}.")
    target.write_bytes(content)


def _get(uri: str, path: str, **query: str) -> dict[str, Any] | None:
    """A document of the interface; None if what it is about does not exist."""
    status, content = _request(uri, f"mlflow/{path}?{urlencode(query)}")
    try:
        document: dict[str, Any] = json.loads(content)
        missing = document.get("error_code") in _MISSING
    except (ValueError, AttributeError):
        raise RegistryError(f"MLflow at {uri} reports: status {status}.") from None
    if status != _OK and not missing:
        raise RegistryError(f"MLflow at {uri} reports: {document.get('message', status)}.")
    return None if missing else document


def _request(uri: str, path: str) -> tuple[int, bytes]:
    """Status and content of a response."""
    try:
        try:
            with _OPENER.open(f"{uri.rstrip('/')}/api/2.0/{path}", timeout=_SECONDS) as response:
                return response.status, response.read()
        except HTTPError as error:
            return error.code, error.read()
    except (OSError, HTTPException, ValueError) as error:
        raise RegistryError(f"MLflow at {uri} does not answer: start it, or correct MLFLOW_TRACKING_URI.") from error
