"""MLflow: the registry, by its REST interface."""

import httpx

from ml.names import MODEL_NAME, PRODUCTION
from ui.clients.connection import Connection
from ui.clients.faults import Answer, Service


class Tag(Answer):
    """A tag of MLflow."""

    key: str
    value: str = ""


class RegisteredVersion(Answer):
    """A version of the registry."""

    name: str
    version: str
    run_id: str | None = None
    tags: tuple[Tag, ...] = ()

    def tag(self, key: str) -> str | None:
        """The value of a tag, or None."""
        return next((tag.value for tag in self.tags if tag.key == key), None)


class _AliasAnswer(Answer):
    model_version: RegisteredVersion


class MlflowClient(Connection):
    """What the interface asks of MLflow."""

    def __init__(self, url: str, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(Service.MLFLOW, url, timeout, transport=transport)

    def by_alias(self, alias: str = PRODUCTION, model: str = MODEL_NAME) -> RegisteredVersion:
        """The version an alias points to; raises NoModelYet when it points to none."""
        asked = {"name": model, "alias": alias}
        return self.read(_AliasAnswer, "GET", "/api/2.0/mlflow/registered-models/alias", params=asked).model_version
