"""Requests to POST /feedback."""

from datetime import UTC, datetime
from typing import Any

from fastapi.testclient import TestClient

TODAY = datetime.now(UTC).date().isoformat()
OUTCOME = {"readmitted_within_30_days": True, "known_on": TODAY}


def send(client: TestClient, *outcomes: dict[str, Any]) -> list[Any]:
    """Report outcomes; status and number of predictions of each."""
    answer = client.post("/feedback", json={"outcomes": list(outcomes)})
    assert answer.status_code == 200, answer.text
    return [(result["status"], result["predictions"]) for result in answer.json()["outcomes"]]
