"""The prediction API."""

from collections.abc import Mapping
from typing import Any

import httpx

from ui.clients.api_models import ExplainAnswer, Prediction, ServedModel
from ui.clients.connection import Connection
from ui.clients.errors import Service


class ApiClient(Connection):
    """``/model``, ``/predict`` and what is beside them."""

    def __init__(self, url: str, timeout: float, key: str = "", transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(Service.API, url, timeout, {"X-API-Key": key} if key else {}, transport)

    def served_model(self) -> ServedModel:
        """The model the API answers with; raises NoModelYet while it has none."""
        return self.read(ServedModel, "GET", "/model")

    def predict(self, record: Mapping[str, Any]) -> Prediction:
        """The probability of readmission for one encounter; raises Refused with the faults of its fields."""
        return self.read(Prediction, "POST", "/predict", params={"interval": "true"}, json={"records": [dict(record)]})

    def explain(self, record: Mapping[str, Any]) -> ExplainAnswer:
        """What the risk of one encounter is made of; the API neither logs nor counts it as a prediction."""
        return self.read(ExplainAnswer, "POST", "/explain", json={"records": [dict(record)]})
