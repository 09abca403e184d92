"""The few reads of MLflow's REST interface that the service needs, with short time limits and size bounds."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

import httpx

from ml.core.bundle import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE
from ml.core.errors import PlatformError, RegistryError

_MEBI: Final = 1024 * 1024
SIZE_LIMITS: Final = {MANIFEST_FILE: _MEBI, GOLDEN_FILE: 16 * _MEBI, MODEL_FILE: 1024 * _MEBI}
"""The files of a bundle and the most bytes that each may have."""

_ANSWER_SECONDS: Final = 10
"""A question that is not answered in full by then has no answer."""

_ABSENT: Final = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
"""MLflow's codes for a model, and for an alias, that is not there."""


class ArtifactError(PlatformError):
    """A model version whose files are not there or not as they may be; MLflow itself answered."""


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A model version as the registry names it.

    The number alone does not identify it: a registry that was emptied counts from 1 again.
    """

    name: str
    version: str
    created: int
    source: str

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """From the ``model_version`` of an answer."""
        return cls(
            name=str(fields["name"]),
            version=str(fields["version"]),
            created=int(fields.get("creation_timestamp", 0)),
            source=str(fields.get("source", "")),
        )


class RegistryClient:
    """Reads from one MLflow server. Raises RegistryError when it does not answer as it should."""

    def __init__(self, tracking_uri: str) -> None:
        # Proxies of the environment are for the internet; MLflow is a neighbour.
        self._http = httpx.AsyncClient(
            base_url=tracking_uri.rstrip("/"), timeout=httpx.Timeout(5, connect=2), trust_env=False
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def version_of(self, name: str, alias: str) -> RegisteredVersion | None:
        """The version that an alias names; None when there is no such model or alias."""
        response = await self._get("/api/2.0/mlflow/registered-models/alias", name=name, alias=alias)
        if response.status_code in (400, 404) and _fields_of(response).get("error_code") in _ABSENT:
            return None
        try:
            return RegisteredVersion.from_json(_checked(response)["model_version"])
        except (KeyError, TypeError, ValueError) as error:
            raise RegistryError("MLflow names the production version in a way that was not understood.") from error

    async def download(self, version: RegisteredVersion, directory: Path) -> None:
        """Fetch the files of a version into an empty directory.

        Raises:
            RegistryError: MLflow does not answer.
            ArtifactError: it does, but the files are not there, too large, never arrive, or are not proxied by MLflow.
        """
        root = await self._artifact_root(version)
        for name, limit in SIZE_LIMITS.items():
            try:
                await self._download_file(f"{root}/{name}", directory / name, limit)
            except httpx.ReadTimeout as error:
                await self._artifact_root(version)  # is it this file, or does MLflow not answer at all?
                raise ArtifactError(f"its file {name} stopped arriving") from error
            except httpx.HTTPError as error:
                raise _away(error) from error

    async def _artifact_root(self, version: RegisteredVersion) -> str:
        response = await self._get(
            "/api/2.0/mlflow/model-versions/get-download-uri", name=version.name, version=version.version
        )
        uri = urlsplit(str(_checked(response).get("artifact_uri", "")))
        if uri.scheme != "mlflow-artifacts" or ".." in uri.path.split("/"):
            raise ArtifactError("its files are not served by MLflow (mlflow-artifacts:)")
        return "/api/2.0/mlflow-artifacts/artifacts/" + quote(uri.path.strip("/"))

    async def _download_file(self, url: str, target: Path, limit: int) -> None:
        size = 0
        async with self._http.stream("GET", url) as response:
            if response.status_code in (400, 404):
                raise ArtifactError(f"it has no file {target.name}")
            if response.status_code != httpx.codes.OK:
                raise RegistryError(f"MLflow answered {response.status_code} to the download of {target.name}.")
            with await asyncio.to_thread(target.open, "wb") as file:
                async for chunk in response.aiter_bytes(_MEBI):
                    size += len(chunk)
                    if size > limit:
                        raise ArtifactError(f"its file {target.name} has more than {limit} bytes")
                    await asyncio.to_thread(file.write, chunk)

    async def _get(self, path: str, **query: str) -> httpx.Response:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):  # a byte now and then keeps the client's own limit quiet
                return await self._http.get(path, params=query)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise _away(error) from error


def _away(error: Exception) -> RegistryError:
    return RegistryError(f"MLflow cannot be reached: {type(error).__name__}.")


def _fields_of(response: httpx.Response) -> dict[str, Any]:
    try:
        fields = response.json()
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _checked(response: httpx.Response) -> dict[str, Any]:
    if response.status_code != httpx.codes.OK:
        raise RegistryError(f"MLflow answered {response.status_code}.")
    return _fields_of(response)


def utc_now() -> str:
    """The time, as ISO 8601 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
