"""Reads the registered model from MLflow's REST API."""

import time
from typing import Any

import httpx

from infra.exporter.client import BudgetedClient
from infra.exporter.metrics import Metrics
from ml.core.names import MODEL_NAME

PAGE_SIZE = 1000
MAX_PAGES = 20


class MlflowReader:
    """Reads the registered model, which needs MLflow's database; its health page does not."""

    def __init__(self, client: BudgetedClient, model_name: str = MODEL_NAME) -> None:
        self._client = client
        self._name = model_name
        self._cached_count: tuple[int, int] | None = None  # last_updated_timestamp, number of versions

    def read(self, metrics: Metrics) -> None:
        """Set the metrics of MLflow; those set before a failure stay."""
        metrics.set("mlflow_up", 0)
        self._client.begin()
        started = time.monotonic()
        try:
            model = self._model()
        finally:
            metrics.set("mlflow_probe_duration_seconds", time.monotonic() - started)
        metrics.set("mlflow_up", 1)
        for alias in model.get("aliases", []):
            metrics.set("mlflow_registered_model_version", int(alias["version"]), alias["alias"])
        metrics.set("mlflow_model_versions", self._count(model) if model else 0)

    def _model(self) -> dict[str, Any]:
        """The registered model; empty when there is none, which is a healthy answer unlike any other 404."""
        path = "/api/2.0/mlflow/registered-models/get"
        try:
            model: dict[str, Any] = self._client.json("GET", path, params={"name": self._name})["registered_model"]
        except httpx.HTTPStatusError as error:
            if error.response.status_code == httpx.codes.NOT_FOUND and "RESOURCE_DOES_NOT_EXIST" in error.response.text:
                return {}
            raise
        return model

    def _count(self, model: dict[str, Any]) -> int:
        """Number of versions; they are listed again only after the registered model changed."""
        updated = model["last_updated_timestamp"]
        if self._cached_count and self._cached_count[0] == updated:
            return self._cached_count[1]
        count, token = 0, ""
        for _ in range(MAX_PAGES):
            params = {"filter": f"name='{self._name}'", "max_results": str(PAGE_SIZE), "page_token": token}
            page = self._client.json("GET", "/api/2.0/mlflow/model-versions/search", params=params)
            count, token = count + len(page.get("model_versions", [])), page.get("next_page_token", "")
            if not token:
                break
        self._cached_count = (updated, count)
        return count
