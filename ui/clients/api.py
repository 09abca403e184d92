"""Client of the prediction API."""

from collections.abc import Mapping, Sequence

import httpx

from ml.schema.code_systems import CODE_SYSTEM, CodeSystem
from ui.clients.api_models import (
    ExplainResponse,
    FeedbackResponse,
    MonitoringResults,
    PolicyState,
    Prediction,
    ServedModel,
)
from ui.clients.connection import Connection
from ui.clients.errors import InvalidResponse, Service

Record = Mapping[str, str | int]


class ApiClient(Connection):
    """The model, and predictions of one encounter."""

    def __init__(self, url: str, timeout: float, key: str = "", transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(Service.API, url, timeout, {"X-API-Key": key} if key else {}, transport)

    def served_model(self) -> ServedModel:
        """The model that the API serves; raises NoModelYet while it has none."""
        return self.fetch(ServedModel, "GET", "/model")

    def monitoring(self) -> MonitoringResults:
        """Drift, realised quality and decisions of the gate, which PostgreSQL keeps."""
        return self.fetch(MonitoringResults, "GET", "/monitoring")

    def metrics(self) -> str:
        """The API's own metrics, in Prometheus's text format."""
        return self.request("GET", "/metrics").text

    def predict(self, record: Record, system: CodeSystem = CodeSystem.ICD9) -> Prediction:
        """Probability of readmission of one encounter; raises Rejected with the errors of its fields."""
        return self.fetch(Prediction, "POST", "/predict", params={"interval": "true"}, json=_body([record], system))

    def policy(self) -> PolicyState:
        """The policy in force."""
        return self.fetch(PolicyState, "GET", "/policy")

    def change_policy(self, change: Mapping[str, object], operator_key: str) -> PolicyState:
        """Put another policy in force, or none."""
        headers = {"X-Operator-Key": operator_key}
        return self.fetch(PolicyState, "PUT", "/policy", json=dict(change), headers=headers)

    def explain_all(self, records: Sequence[Record], code_system: CodeSystem) -> ExplainResponse:
        """Contributions to the risks of some encounters; raises InvalidResponse unless each has an explanation."""
        body = {"records": [dict(record) for record in records], CODE_SYSTEM: code_system.value}
        response = self.fetch(ExplainResponse, "POST", "/explain", json=body)
        if len(response.explanations) != len(records):
            raise InvalidResponse(self.service)
        return response

    def feedback(self, outcomes: Sequence[Mapping[str, object]]) -> FeedbackResponse:
        """Report outcomes; raises Rejected with the errors of the outcomes."""
        return self.fetch(FeedbackResponse, "POST", "/feedback", json={"outcomes": [dict(one) for one in outcomes]})

    def explain(self, *records: Record, system: CodeSystem = CodeSystem.ICD9) -> ExplainResponse:
        """Contributions to the risk of 1 to 20 encounters; the API neither logs nor counts them as predictions."""
        return self.fetch(ExplainResponse, "POST", "/explain", json=_body(records, system))


def _body(records: Sequence[Record], system: CodeSystem) -> dict[str, object]:
    named = {} if system is CodeSystem.ICD9 else {CODE_SYSTEM: system.value}
    return {"records": [dict(record) for record in records], **named}
