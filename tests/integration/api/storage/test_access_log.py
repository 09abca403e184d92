"""The access log: who asked about which patient, by every route, in a real PostgreSQL."""

import json
import logging
from collections.abc import Sequence
from typing import Any

import psycopg2.errors
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlalchemy import Connection
from typer.testing import CliRunner

from api.keys import hash_key
from ml.cli.main import app
from ml.core.names import API_ROLE
from tests.integration.api.conftest import eventually
from tests.integration.api.storage.conftest import Serve
from tests.integration.api.storage.databases import rows
from tests.integration.api.storage.outcomes import OUTCOME

PATIENT = {"patient_nbr": 7, "encounter_id": 9, "gender": "Male"}
KEY = "key of the tests"


def ask_everywhere(client: TestClient) -> None:
    """Send the patient by every route that takes one, and a record of nobody."""
    names = {"patient_nbr": [7], "encounter_id": [9]}
    tensors = [{"name": name, "datatype": "INT64", "shape": [1], "data": data} for name, data in names.items()]
    csv = {"content": "patient_nbr,encounter_id\n7,9\n", "headers": {"Content-Type": "text/csv"}}
    for route, body in (
        ("/predict", {"json": {"records": [PATIENT, {"gender": "Male"}]}}),
        ("/predict", {"json": {"records": [{"gender": "Male"}]}}),
        ("/predict/csv", csv),
        ("/invocations", {"json": {"inputs": names}}),
        ("/v2/models/diabetes-readmission/infer", {"json": {"inputs": tensors}}),
        ("/explain", {"json": {"records": [PATIENT, {}]}}),
        ("/feedback", {"json": {"outcomes": [{"encounter_id": 9, **OUTCOME}]}}),
    ):
        answer = client.post(route, **body)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text


def audit(*options: str) -> list[dict[str, Any]]:
    """What ``python -m ml audit`` prints."""
    done = CliRunner().invoke(app, ["audit", "--json", *options])
    assert done.exit_code == 0, done.output
    entries: list[dict[str, Any]] = json.loads(done.stdout)
    return entries


@pytest.fixture
def settings_of_the_command(database_settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the command line beside this service."""
    for name, value in database_settings.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("PREDICTION_LOG_KEY", KEY)


@pytest.mark.usefixtures("settings_of_the_command")
def test_every_route_enters_who_asked_about_whom_and_the_command_finds_it(serve: Serve, database: Connection) -> None:
    client = serve(prediction_log=True)

    ask_everywhere(client)
    eventually(lambda: len(rows(database, "accesses")) == 6)

    entries = audit("--patient", "7")
    assert sorted(entry["action"] for entry in entries) == ["explained", "outcome reported", *["predicted"] * 4]
    assert all(entry["client"].startswith("address:") for entry in entries)
    assert len({entry["encounter"] for entry in entries}) == 1
    assert {entry["patient"] for entry in entries if entry["action"] != "outcome reported"} == {entries[-1]["patient"]}
    assert len(audit("--patient", "7.0", "--limit", "2")) == 2
    assert audit("--encounter", "9") == entries
    assert audit("--patient", "8") == audit("--client", "nobody") == audit("--since", "2999-01-01") == []
    assert not any(str(value) == "7" for entry in rows(database, "accesses") for value in entry.values())


@pytest.mark.usefixtures("settings_of_the_command")
@pytest.mark.parametrize("mode", ["plain", "none"])
def test_identifiers_are_as_in_the_prediction_log(serve: Serve, database: Connection, mode: str) -> None:
    client = serve(prediction_log=True, log_patient_ids=mode)

    client.post("/explain", json={"records": [PATIENT]})
    client.post("/predict", json={"records": [PATIENT]})
    eventually(lambda: len(rows(database)) == 1)

    found = [(entry["patient"], entry["encounter"]) for entry in audit("--patient", "7")]
    assert found == ([("7", "9")] * 2 if mode == "plain" else [])


@pytest.mark.usefixtures("settings_of_the_command")
def test_a_client_with_a_key_is_entered_by_its_name(serve: Serve, database: Connection) -> None:
    key = "a key of the ward"
    client = serve(prediction_log=True, api_keys=f"ward-3:{hash_key(key)}")

    client.post("/explain", json={"records": [PATIENT]}, headers={"X-API-Key": key})
    client.post("/predict", json={"records": [PATIENT]}, headers={"X-API-Key": key})
    eventually(lambda: len(rows(database)) == 1)

    assert [entry["client"] for entry in audit("--client", "ward-3")] == ["key:ward-3"] * 2


def test_an_entry_outlives_its_prediction(serve: Serve, database: Connection) -> None:
    client = serve(prediction_log=True)
    client.post("/predict", json={"records": [PATIENT]})
    eventually(lambda: len(rows(database)) == 1)

    database.execute(sa.text("DELETE FROM predictions"))

    assert len(rows(database, "accesses")) == 1


def test_the_role_of_the_api_neither_reads_nor_removes_entries(database: Connection) -> None:
    database.execute(sa.text("INSERT INTO accesses (action, patient) VALUES ('explained', 'somebody')"))
    for statement in ("SELECT * FROM accesses", "DELETE FROM accesses", "UPDATE accesses SET client = 'another'"):
        with pytest.raises(sa.exc.ProgrammingError) as refusal:
            database.execute(sa.text(f"SET ROLE {API_ROLE}; {statement}"))
        assert isinstance(refusal.value.orig, psycopg2.errors.InsufficientPrivilege)


def test_without_postgres_an_explanation_is_answered_and_its_entry_is_in_the_log_of_the_service(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve(prediction_log=True, postgres_port=9)  # nothing listens there

    with caplog.at_level(logging.WARNING):
        answer = client.post("/explain", json={"records": [PATIENT]}, headers={"X-Request-ID": "abc"})

    assert answer.status_code == 200
    (message,) = _messages(caplog.messages, "access log lacks an entry")
    assert "abc" in message
    assert "address:" in message


@pytest.mark.usefixtures("settings_of_the_command")
def test_with_the_log_off_nothing_is_entered(serve: Serve, database: Connection) -> None:
    client = serve(prediction_log=False)

    assert client.post("/explain", json={"records": [PATIENT]}).status_code == 200

    assert rows(database, "accesses") == []


def _messages(messages: Sequence[str], part: str) -> list[str]:
    return [message for message in messages if part in message]
