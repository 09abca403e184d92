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

from ml.core.bundle import MANIFEST_FILE, SIZE_LIMITS, sha256_of
from ml.core.errors import BundleError, RegistryError
from ml.core.names import MODEL_NAME, PRODUCTION
from ml.core.settings import ApprovalSettings
from ml.core.signing.approval import TAG, check_manifest, verify_version
from ml.core.signing.keys import read_public_keys

_MISSING: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""MLflow's error codes for a version or an alias that does not exist."""
_OK: Final = 200
_SECONDS: Final = 60
_MOST_BYTES: Final = 16 * 1024 * 1024
"""Of a document: many times the size of a version with all its tags."""
_OPENER: Final = build_opener(ProxyHandler({}))  # MLflow is in the same network


@contextmanager
def downloaded_bundle(uri: str, number: str | None = None) -> Iterator[Path]:
    """The bundle of a version, by default production, in a temporary directory that exists within the context.

    The production version must be approved by the gate, since anybody who reaches MLflow can move its alias. A version
    that is named need not be.

    Raises:
        BundleError: the version exists, but files of its bundle were deleted or are too large.
        RegistryError: there is no such version, or MLflow cannot be reached.
        UnapprovedError: the gate has not approved the production version, or not these files.
    """
    chosen = number or _production(uri)
    document = _get(uri, "model-versions/get-download-uri", name=MODEL_NAME, version=chosen)
    if document is None:
        raise RegistryError(f"MLflow at {uri} has no version {chosen}: python -m ml list shows the versions.")
    folder = quote(urlsplit(str(document.get("artifact_uri", ""))).path.strip("/"))
    with tempfile.TemporaryDirectory() as scratch:
        for name, limit in SIZE_LIMITS.items():
            _download(uri, f"mlflow-artifacts/artifacts/{folder}/{name}", Path(scratch) / name, chosen, limit)
        if number is None:
            keys = read_public_keys(ApprovalSettings.load().model_public_keys_file)
            verified = verify_version(_approval(uri, chosen), keys, MODEL_NAME, chosen)
            check_manifest(verified, sha256_of(Path(scratch) / MANIFEST_FILE))
        yield Path(scratch)


def _production(uri: str) -> str:
    document = _get(uri, "registered-models/alias", name=MODEL_NAME, alias=PRODUCTION)
    if document is None:
        raise RegistryError("There is no production model yet: run train_models_diabetes_simple.")
    return str(document["model_version"]["version"])


def _approval(uri: str, number: str) -> str | None:
    """The approval of a version, which is one of its tags."""
    document = _get(uri, "model-versions/get", name=MODEL_NAME, version=number) or {}
    tags = document.get("model_version", {}).get("tags", [])
    return next((str(tag["value"]) for tag in tags if tag["key"] == TAG), None)


def _download(uri: str, path: str, target: Path, number: str, limit: int) -> None:
    status, content = _request(uri, path, limit + 1)
    if status != _OK:
        raise BundleError(f"Version {number} has lost files in MLflow: {target.name}.")
    if len(content) > limit:
        raise BundleError(f"Its file {target.name} has more than {limit} bytes.")
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


def _request(uri: str, path: str, most: int = _MOST_BYTES) -> tuple[int, bytes]:
    """Status and content of a response, of which at most so many bytes are read."""
    try:
        try:
            with _OPENER.open(f"{uri.rstrip('/')}/api/2.0/{path}", timeout=_SECONDS) as response:
                return response.status, response.read(most)
        except HTTPError as error:
            return error.code, error.read(most)
    except (OSError, HTTPException, ValueError) as error:
        raise RegistryError(f"MLflow at {uri} does not answer: start it, or correct MLFLOW_TRACKING_URI.") from error
