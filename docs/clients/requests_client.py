# /// script
# requires-python = ">=3.11"
# dependencies = ["requests==2.34.2"]
# ///
"""Calls the API with requests."""

import csv
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import requests

URL = os.environ.get("API_URL", "http://localhost:8000")
FOLDER = Path(__file__).parent
FULL = json.loads((FOLDER / "record.json").read_text())
SHORT = {name: FULL[name] for name in ("race", "gender", "age")}

session = requests.Session()
if "API_KEY" in os.environ:
    session.headers["X-API-Key"] = os.environ["API_KEY"]

for name, record in (("three fields", SHORT), ("all fields", FULL)):
    answer = session.post(f"{URL}/predict", json={"records": [record]}, timeout=10)
    answer.raise_for_status()
    print(f"{name}: {answer.json()['predictions'][0]}")
request_id = answer.json()["request_id"]

answer = session.post(f"{URL}/predict", json={"records": [{"race": "Unheard of"}]}, timeout=10)
print(f"unknown value: {answer.status_code} {answer.json()['errors'][0]['message']}")

answer = session.post(f"{URL}/predict/csv", files={"file": (FOLDER / "patients.csv").read_bytes()}, timeout=60)
answer.raise_for_status()
print("file:", *(row["readmission_risk"] for row in csv.DictReader(answer.text.splitlines())))

model = session.get(f"{URL}/model", timeout=10).json()
print(f"model: {model['name']} {model['version']}")

outcome = {
    "request_id": request_id,
    "readmitted_within_30_days": False,
    "known_on": datetime.now(UTC).date().isoformat(),
}
answer = session.post(f"{URL}/feedback", json={"outcomes": [outcome]}, timeout=10)
answer.raise_for_status()
print(f"outcome: {answer.json()['outcomes'][0]['status']}")
