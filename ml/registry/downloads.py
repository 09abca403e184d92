"""Bounded downloads: the three files of a bundle, each up to its size limit, all within a time limit.

MLflow's own client downloads whatever a version holds, as long as the server sends.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import augmented_raise_for_status, http_request

from ml.core.bundle import SIZE_LIMITS
from ml.core.errors import BundleError

SECONDS: Final = 900.0
_CHUNK: Final = 1024 * 1024


def check_listing(number: str, sizes: Mapping[str, int | None]) -> None:
    """Check names and sizes that MLflow lists, before anything is downloaded.

    Raises:
        BundleError: a file is missing or too large.
    """
    if lost := SIZE_LIMITS.keys() - sizes.keys():
        raise BundleError(f"Version {number} has lost files in MLflow: {', '.join(sorted(lost))}.")
    for name, limit in SIZE_LIMITS.items():
        if (sizes[name] or 0) > limit:
            raise _too_large(name, limit)


def download_files(artifacts: str, tracking_uri: str, directory: Path) -> None:
    """Download the files of a bundle from MLflow's artifact server.

    Raises:
        BundleError: MLflow does not serve the files itself, or a file is too large or takes too long.
        MlflowException, requests.RequestException: MLflow cannot be reached, or refuses.
    """
    if urlsplit(artifacts).scheme != "mlflow-artifacts" or ".." in urlsplit(artifacts).path.split("/"):
        raise BundleError("Its files are not served by MLflow (mlflow-artifacts:).")
    root = get_default_host_creds(MlflowArtifactsRepository.resolve_uri(artifacts, tracking_uri))
    deadline = time.monotonic() + SECONDS
    for name, limit in SIZE_LIMITS.items():
        with http_request(root, f"/{name}", "GET", stream=True) as response:
            augmented_raise_for_status(response)
            size = 0
            with (directory / name).open("wb") as file:
                for chunk in response.iter_content(_CHUNK):
                    size += len(chunk)
                    if size > limit:
                        raise _too_large(name, limit)
                    if time.monotonic() > deadline:
                        raise BundleError(f"The download of its files takes longer than {SECONDS:g} seconds.")
                    file.write(chunk)


def _too_large(name: str, limit: int) -> BundleError:
    return BundleError(f"Its file {name} has more than {limit} bytes.")
