"""What MLflow says of itself and of the registered model, over its REST API."""

import time
from dataclasses import dataclass, field

import httpx
from pydantic import BaseModel

from infra.exporter.client import BudgetedClient, ReadError, parse
from ml.core.names import MODEL_NAME

PAGE = 1000
MAX_PAGES = 20


class _Alias(BaseModel):
    alias: str
    version: int


class _Model(BaseModel):
    last_updated_timestamp: int
    aliases: list[_Alias] = []


class _Registered(BaseModel):
    registered_model: _Model


class _Version(BaseModel):
    version: int


class _Versions(BaseModel):
    model_versions: list[_Version] = []
    next_page_token: str = ""


class _Fault(BaseModel):
    error_code: str = ""


@dataclass
class MlflowReading:
    """One look at MLflow. `up` means that its database answered, not only its web server."""

    up: bool = False
    seconds: float = 0.0
    aliases: dict[str, int] = field(default_factory=dict)
    versions: int | None = None
    error: str | None = None


class MlflowReader:
    """Reads the registered model; the health page would not do, since it never touches the database."""

    def __init__(self, client: BudgetedClient, model_name: str = MODEL_NAME) -> None:
        self._client = client
        self._name = model_name
        self._counted: tuple[int, int] | None = None

    def read(self) -> MlflowReading:
        """Look once; never raises, and keeps what was read before a failure."""
        reading = MlflowReading()
        self._client.begin()
        started = time.monotonic()
        try:
            model = self._model()
            reading.up = True
            reading.seconds = time.monotonic() - started
            reading.aliases = {each.alias: each.version for each in model.aliases} if model else {}
            reading.versions = self._count(model) if model else 0
        except ReadError as error:
            reading.seconds = reading.seconds or time.monotonic() - started
            reading.error = str(error)
        return reading

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _model(self) -> _Model | None:
        response = self._client.request("GET", "/api/2.0/mlflow/registered-models/get", params={"name": self._name})
        if _is_absent(response):
            return None
        return parse(response, _Registered).registered_model

    def _count(self, model: _Model) -> int:
        """Number of versions; listed anew only after the registered model was changed."""
        if self._counted and self._counted[0] == model.last_updated_timestamp:
            return self._counted[1]
        found, token = 0, ""
        for _ in range(MAX_PAGES):
            params = {"filter": f"name='{self._name}'", "max_results": str(PAGE), "page_token": token}
            page = parse(self._client.request("GET", "/api/2.0/mlflow/model-versions/search", params=params), _Versions)
            found, token = found + len(page.model_versions), page.next_page_token
            if not token:
                break
        self._counted = (model.last_updated_timestamp, found)
        return found


def _is_absent(response: httpx.Response) -> bool:
    """No model of that name yet: the database said so, which is a healthy answer unlike any other 404."""
    if response.status_code != httpx.codes.NOT_FOUND:
        return False
    try:
        return _Fault.model_validate_json(response.content).error_code == "RESOURCE_DOES_NOT_EXIST"
    except ValueError:
        return False
