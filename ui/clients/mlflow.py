"""MLflow: the registry, the runs behind its versions and the files of those, by its REST interface."""

from datetime import UTC, datetime
from typing import Final

import httpx
from pydantic import Field

from ml.core.names import MODEL_NAME, PRODUCTION
from ui.clients.connection import Connection
from ui.clients.errors import Answer, NoModelYet, Service

MOST_VERSIONS: Final = 500
"""So many versions are asked for, the newest ones."""


class Tag(Answer):
    """A tag of MLflow."""

    key: str
    value: str = ""


class RegisteredVersion(Answer):
    """A version of the registry."""

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
        """When it was registered, which ends its training; None where the registry does not say."""
        return datetime.fromtimestamp(self.creation_timestamp / 1000, UTC) if self.creation_timestamp else None


class Metric(Answer):
    """A figure of a run."""

    key: str
    value: float


class _RunInfo(Answer):
    run_id: str
    experiment_id: str = ""


class _RunData(Answer):
    metrics: tuple[Metric, ...] = ()
    params: tuple[Tag, ...] = ()


class Run(Answer):
    """A run: what a training measured, and with which settings."""

    info: _RunInfo
    data: _RunData = Field(default_factory=_RunData)


class File(Answer):
    """A file that a run kept."""

    path: str
    is_dir: bool = False
    file_size: int = 0


class _AliasAnswer(Answer):
    model_version: RegisteredVersion


class _Alias(Answer):
    alias: str
    version: str


class _RegisteredModel(Answer):
    aliases: tuple[_Alias, ...] = ()


class _ModelAnswer(Answer):
    registered_model: _RegisteredModel


class _VersionsAnswer(Answer):
    model_versions: tuple[RegisteredVersion, ...] = ()


class _RunAnswer(Answer):
    run: Run


class _FilesAnswer(Answer):
    files: tuple[File, ...] = ()


class RegistryClient(Connection):
    """What the interface asks of MLflow."""

    def __init__(self, url: str, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(Service.MLFLOW, url, timeout, transport=transport)

    def by_alias(self, alias: str = PRODUCTION, model: str = MODEL_NAME) -> RegisteredVersion:
        """The version an alias points to; raises NoModelYet when it points to none."""
        asked = {"name": model, "alias": alias}
        return self.read(_AliasAnswer, "GET", "/api/2.0/mlflow/registered-models/alias", params=asked).model_version

    def aliases(self, model: str = MODEL_NAME) -> dict[str, str]:
        """Each alias with the version it points to; none while there is no model."""
        try:
            answer = self.read(_ModelAnswer, "GET", "/api/2.0/mlflow/registered-models/get", params={"name": model})
        except NoModelYet:
            return {}
        return {one.alias: one.version for one in answer.registered_model.aliases}

    def versions(self, model: str = MODEL_NAME) -> list[RegisteredVersion]:
        """The versions, the newest first; none while there is no model."""
        asked = {
            "filter": f"name = '{model}'",
            "max_results": MOST_VERSIONS,
            "order_by": "version_number DESC",
        }
        answer = self.read(_VersionsAnswer, "GET", "/api/2.0/mlflow/model-versions/search", params=asked)
        return list(answer.model_versions)

    def run(self, run_id: str) -> Run | None:
        """A run, or None where it was deleted for good."""
        try:
            return self.read(_RunAnswer, "GET", "/api/2.0/mlflow/runs/get", params={"run_id": run_id}).run
        except NoModelYet:
            return None

    def files(self, run_id: str, folder: str = "") -> list[File]:
        """The files of a run, or of one of its folders; none where the run or the folder is gone."""
        asked = {"run_id": run_id, "path": folder} if folder else {"run_id": run_id}
        try:
            answer = self.read(_FilesAnswer, "GET", "/api/2.0/mlflow/artifacts/list", params=asked)
        except NoModelYet:
            return []
        return [file for file in answer.files if not file.is_dir]

    def content(self, run_id: str, path: str) -> bytes | None:
        """What a file of a run holds, or None where it is gone. How large it is, :meth:`files` tells before."""
        try:
            return self.send("GET", "/get-artifact", params={"run_id": run_id, "path": path}).content
        except NoModelYet:
            return None
