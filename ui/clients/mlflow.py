"""Client of MLflow's REST API: registered versions, their runs and artifacts."""

from datetime import UTC, datetime
from typing import Any, Final

import httpx
from pydantic import Field

from ml.core.names import MODEL_NAME, PRODUCTION
from ui.clients.connection import Connection, T
from ui.clients.errors import NoModelYet, ResponseModel, Service

MAX_VERSIONS: Final = 500
"""Limit of :meth:`RegistryClient.versions`."""


class Tag(ResponseModel):
    """A tag or parameter."""

    key: str
    value: str = ""


class RegisteredVersion(ResponseModel):
    """A version of the registered model."""

    name: str
    version: str
    run_id: str | None = None
    creation_timestamp: int = 0  # milliseconds since 1970
    tags: tuple[Tag, ...] = ()

    def tag(self, key: str) -> str | None:
        """The value of a tag, or None."""
        return next((tag.value for tag in self.tags if tag.key == key), None)

    @property
    def registered_at(self) -> datetime | None:
        """Time of registration, which ends the training; None if the registry does not have it."""
        return datetime.fromtimestamp(self.creation_timestamp / 1000, UTC) if self.creation_timestamp else None


class Metric(ResponseModel):
    """A metric of a run."""

    key: str
    value: float


class _RunInfo(ResponseModel):
    run_id: str
    experiment_id: str = ""


class _RunData(ResponseModel):
    metrics: tuple[Metric, ...] = ()
    params: tuple[Tag, ...] = ()


class Run(ResponseModel):
    """A training run with its metrics and parameters."""

    info: _RunInfo
    data: _RunData = Field(default_factory=_RunData)


class File(ResponseModel):
    """An artifact of a run."""

    path: str
    is_dir: bool = False
    file_size: int = 0


class _Alias(ResponseModel):
    alias: str
    version: str


class RegistryClient(Connection):
    """Read access to the registry and its runs. MLflow omits empty lists from its responses."""

    def __init__(self, url: str, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(Service.MLFLOW, url, timeout, transport=transport)

    def version_by_alias(self, alias: str = PRODUCTION, model: str = MODEL_NAME) -> RegisteredVersion:
        """The version with this alias; raises NoModelYet if there is none."""
        params = {"name": model, "alias": alias}
        return self._get(RegisteredVersion, "registered-models/alias", "model_version", params)

    def aliases(self, model: str = MODEL_NAME) -> dict[str, str]:
        """Aliases and their versions; empty while there is no model."""
        key, params = "registered_model", {"name": model}
        try:
            aliases = self._get(tuple[_Alias, ...], "registered-models/get", f"{key}.aliases", params, default=[])
        except NoModelYet:
            return {}
        return {one.alias: one.version for one in aliases}

    def versions(self, model: str = MODEL_NAME) -> list[RegisteredVersion]:
        """The versions, newest first; empty while there is no model."""
        params = {"filter": f"name = '{model}'", "max_results": MAX_VERSIONS, "order_by": "version_number DESC"}
        return self._get(list[RegisteredVersion], "model-versions/search", "model_versions", params, default=[])

    def run(self, run_id: str) -> Run | None:
        """A run, or None if it was deleted permanently."""
        try:
            return self._get(Run, "runs/get", "run", {"run_id": run_id})
        except NoModelYet:
            return None

    def files(self, run_id: str, folder: str = "") -> list[File]:
        """The artifacts of a run in one folder; empty if the run or the folder is gone."""
        params = {"run_id": run_id, "path": folder} if folder else {"run_id": run_id}
        try:
            files = self._get(list[File], "artifacts/list", "files", params, default=[])
        except NoModelYet:
            return []
        return [file for file in files if not file.is_dir]

    def download(self, run_id: str, path: str) -> bytes | None:
        """The content of an artifact, or None if it is gone. :meth:`files` returns its size beforehand."""
        try:
            return self.request("GET", "/get-artifact", params={"run_id": run_id, "path": path}).content
        except NoModelYet:
            return None

    def _get(self, kind: type[T], path: str, key: str, params: dict[str, Any], default: Any = None) -> T:
        return self.fetch(kind, "GET", f"/api/2.0/mlflow/{path}", key=key, default=default, params=params)
