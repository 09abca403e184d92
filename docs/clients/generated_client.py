# /// script
# requires-python = ">=3.11"
# dependencies = ["openapi-python-client==0.29.1"]
# ///
"""Calls the API with the client that openapi-python-client generates."""

import csv
import json
import os
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from readmission_risk_client import AuthenticatedClient, Client
from readmission_risk_client.api.model import get_model
from readmission_risk_client.api.prediction import predict, predict_csv, send_feedback
from readmission_risk_client.models import FeedbackRequest, Outcome, PatientRecord, PredictRequest, PredictResponse
from readmission_risk_client.types import File

URL = os.environ.get("API_URL", "http://localhost:8000")
FOLDER = Path(__file__).parent
KEY = os.environ.get("API_KEY")

client = AuthenticatedClient(base_url=URL, token=KEY) if KEY else Client(base_url=URL)

short = PatientRecord(race="Caucasian", gender="Female", age="[60-70)")
full = PatientRecord.from_dict(json.loads((FOLDER / "record.json").read_text()))
for name, record in (("three fields", short), ("all fields", full)):
    answer = predict.sync(client=client, body=PredictRequest(records=[record]))
    if not isinstance(answer, PredictResponse):
        raise SystemExit(answer)
    print(f"{name}: {answer.predictions[0]}")

problem = predict.sync(client=client, body=PredictRequest(records=[PatientRecord(race="Unheard of")]))
print(f"unknown value: {problem.status} {problem.errors[0].message}")

file = File(BytesIO((FOLDER / "patients.csv").read_bytes()))
scored = predict_csv.sync_detailed(client=client, body=file).content.decode()
print("file:", *(row["readmission_risk"] for row in csv.DictReader(scored.splitlines())))

model = get_model.sync(client=client)
print(f"model: {model.name} {model.version}")

outcome = Outcome(request_id=answer.request_id, readmitted_within_30_days=False, known_on=datetime.now(UTC).date())
stored = send_feedback.sync(client=client, body=FeedbackRequest(outcomes=[outcome]))
print(f"outcome: {stored.outcomes[0].status}")
