"""Client of MLflow's REST interface: resolves the alias and downloads bundles, with time and size limits."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from ml.core.bundle import MANIFEST_FILE, SIZE_LIMITS, sha256_of
from ml.core.errors import PlatformError, RegistryError
from ml.core.signing.approval import TAG, Verified, check_manifest

_MEBI: Final = 1024 * 1024
_RESPONSE_SECONDS: Final = 10
"""Time limit of a whole response, except for downloads."""

_NOT_FOUND: Final = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
"""MLflow's error codes for an unknown model and an unknown alias."""


class ArtifactError(PlatformError):
    """The files of a model version are missing or invalid, while MLflow itself is available."""


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """Identity of a model version.

    The number alone is not enough: a registry that was emptied starts at 1 again.
    """

    name: str
    version: str
    created: int
    source: str


@dataclass(frozen=True, slots=True)
class Production:
    """The version with the alias, and the envelope of its approval: two statements of MLflow, to be verified."""

    version: RegisteredVersion
    envelope: str | None


class RegistryClient:
    """Client of one MLflow server. Methods raise RegistryError if MLflow is unavailable or responds unexpectedly."""

    def __init__(self, tracking_uri: str) -> None:
        # Proxies in the environment are for the internet; MLflow is in the same network.
        self._http = httpx.AsyncClient(
            base_url=tracking_uri.rstrip("/"), timeout=httpx.Timeout(5, connect=2), trust_env=False
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def version_of(self, name: str, alias: str) -> Production | None:
        """The version with an alias and its approval; None if the model or the alias does not exist."""
        response = await self._get("/api/2.0/mlflow/registered-models/alias", name=name, alias=alias)
        if response.status_code in (400, 404) and _json_of(response).get("error_code") in _NOT_FOUND:
            return None
        try:
            fields = _json_of_ok(response)["model_version"]
            created, source = int(fields.get("creation_timestamp", 0)), str(fields.get("source", ""))
            tags = {tag["key"]: str(tag.get("value", "")) for tag in fields.get("tags", [])}
            version = RegisteredVersion(str(fields["name"]), str(fields["version"]), created, source)
            return Production(version, tags.get(TAG))
        except (KeyError, TypeError, ValueError) as error:
            raise RegistryError("MLflow's description of the production version is invalid.") from error

    async def download(self, version: RegisteredVersion, approval: Verified, directory: Path) -> None:
        """Download the files of a version into an empty directory, the manifest first.

        Raises:
            RegistryError: MLflow is unavailable.
            UnapprovedError: the manifest is not the approved one; the other files are not downloaded.
            ArtifactError: a file is missing, too large, stalls, or is not served by MLflow.
        """
        root = await self._artifact_root(version)
        for name, limit in SIZE_LIMITS.items():
            try:
                await self._download_file(f"{root}/{name}", directory / name, limit)
            except httpx.ReadTimeout as error:
                await self._artifact_root(version)  # raises RegistryError if MLflow is unavailable
                raise ArtifactError(f"the download of its file {name} stalled") from error
            except httpx.HTTPError as error:
                raise _unreachable(error) from error
            if name == MANIFEST_FILE:
                check_manifest(approval, sha256_of(directory / name))

    async def _artifact_root(self, version: RegisteredVersion) -> str:
        response = await self._get(
            "/api/2.0/mlflow/model-versions/get-download-uri", name=version.name, version=version.version
        )
        uri = urlsplit(str(_json_of_ok(response).get("artifact_uri", "")))
        if uri.scheme != "mlflow-artifacts" or ".." in uri.path.split("/"):
            raise ArtifactError("its files are not served by MLflow (mlflow-artifacts:)")
        return "/api/2.0/mlflow-artifacts/artifacts/" + quote(uri.path.strip("/"))

    async def _download_file(self, url: str, target: Path, limit: int) -> None:
        size = 0
        async with self._http.stream("GET", url) as response:
            if response.status_code in (400, 404):
                raise ArtifactError(f"it has no file {target.name}")
            if response.status_code != httpx.codes.OK:
                raise RegistryError(f"MLflow returned {response.status_code} for the download of {target.name}.")
            with await asyncio.to_thread(target.open, "wb") as file:
                async for chunk in response.aiter_bytes(_MEBI):
                    size += len(chunk)
                    if size > limit:
                        raise ArtifactError(f"its file {target.name} has more than {limit} bytes")
                    await asyncio.to_thread(file.write, chunk)

    async def _get(self, path: str, **query: str) -> httpx.Response:
        try:
            async with asyncio.timeout(_RESPONSE_SECONDS):  # the client's own limit is per read
                return await self._http.get(path, params=query)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise _unreachable(error) from error


def _unreachable(error: Exception) -> RegistryError:
    return RegistryError(f"MLflow cannot be reached: {type(error).__name__}.")


def _json_of(response: httpx.Response) -> dict[str, Any]:
    try:
        fields = response.json()
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _json_of_ok(response: httpx.Response) -> dict[str, Any]:
    if response.status_code != httpx.codes.OK:
        raise RegistryError(f"MLflow returned status {response.status_code}.")
    return _json_of(response)


def utc_now() -> str:
    """The current time in ISO 8601, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
