"""Client of the prediction API."""

from collections.abc import Mapping

import httpx

from ui.clients.api_models import ExplainResponse, Prediction, ServedModel
from ui.clients.connection import Connection
from ui.clients.errors import Service

Record = Mapping[str, str | int]


class ApiClient(Connection):
    """The model, and predictions of one encounter."""

    def __init__(self, url: str, timeout: float, key: str = "", transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(Service.API, url, timeout, {"X-API-Key": key} if key else {}, transport)

    def served_model(self) -> ServedModel:
        """The model that the API serves; raises NoModelYet while it has none."""
        return self.fetch(ServedModel, "GET", "/model")

    def predict(self, record: Record) -> Prediction:
        """Probability of readmission of one encounter; raises Rejected with the errors of its fields."""
        return self.fetch(Prediction, "POST", "/predict", params={"interval": "true"}, json={"records": [dict(record)]})

    def explain(self, record: Record) -> ExplainResponse:
        """Contributions to the risk of one encounter; the API neither logs nor counts it as a prediction."""
        return self.fetch(ExplainResponse, "POST", "/explain", json={"records": [dict(record)]})
