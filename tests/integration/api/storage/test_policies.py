"""GET and PUT /policy with a real PostgreSQL, and what predictions say of the policy."""

import json
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from api.scoring.core import LARGE_BYTES
from tests.integration.api.conftest import eventually
from tests.integration.api.storage.conftest import Serve
from tests.integration.api.storage.databases import rows

KEY = "key of the operator"
CHANGE = {
    "policy": {"name": "Twenty calls", "threshold": 0.2},
    "actor": "R. Diaz",
    "reason": "two nurses",
    "model_version": "1",
}
RISKY, SAFE, DEAD = {"number_inpatient": 9}, {"gender": "Male"}, {"discharge_disposition_id": 11}


@pytest.fixture
def start(serve: Serve) -> Serve:
    """Starts the service with the operator's key."""
    return partial(serve, operator_key=KEY)


@pytest.fixture
def client(start: Serve, database: Connection) -> TestClient:
    return start()


def put(client: TestClient, change: Any = CHANGE, key: str = KEY) -> Any:
    return client.put("/policy", json=change, headers={"X-Operator-Key": key})


def predict(client: TestClient, *records: dict[str, Any]) -> Any:
    answer = client.post("/predict", json={"records": list(records)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_without_a_policy_nobody_is_flagged(client: TestClient) -> None:
    answer = predict(client, RISKY, SAFE)
    assert (answer["policy"], answer["flagged"]) == (None, [None, None])
    assert client.get("/policy").json() == {"policy": None, "changes": []}
    assert (
        "flagged"
        not in client.post("/predict/csv", content="gender\nMale\n", headers={"Content-Type": "text/csv"}).text
    )


def test_a_policy_is_in_force_at_once_and_kept_with_who_why_and_when(client: TestClient, database: Connection) -> None:
    state = put(client).json()
    assert state["policy"] == CHANGE["policy"]
    (change,) = state["changes"]
    assert change.items() >= CHANGE.items()
    assert client.get("/policy").json() == state

    answer = predict(client, RISKY, SAFE, DEAD)
    assert (answer["policy"], answer["flagged"]) == (CHANGE["policy"], [True, False, None])
    (row,) = rows(database, "policies")
    assert (row["name"], row["threshold"], row["actor"], row["reason"], row["model_version"]) == (
        "Twenty calls", 0.2, "R. Diaz", "two nurses", "1"
    )  # fmt: skip


def test_a_file_has_a_column_of_flags(client: TestClient) -> None:
    put(client)
    content = "number_inpatient,discharge_disposition_id\n9,\n0,\n9,11\n"
    answer = client.post("/predict/csv", content=content, headers={"Content-Type": "text/csv"})
    header, *lines = answer.text.splitlines()
    place = header.split(",").index("flagged")
    assert [line.split(",")[place] for line in lines] == ["true", "false", ""]
    assert answer.headers["X-Policy"] == "Twenty calls"


def test_a_large_batch_is_flagged_by_its_worker(client: TestClient) -> None:
    put(client)
    records = [record | {"race": "Caucasian"} for record in (RISKY, SAFE, DEAD)] * 3_000
    assert len(json.dumps(records, separators=(",", ":"))) > LARGE_BYTES
    assert predict(client, *records)["flagged"] == [True, False, None] * 3_000
    flagged = [line for line in client.get("/metrics").text.splitlines() if line.startswith("api_flagged_total{")]
    assert {line.rpartition(" ")[2] for line in flagged} == {"3000.0"}


def test_a_withdrawn_policy_flags_nobody(client: TestClient) -> None:
    put(client)
    state = put(client, CHANGE | {"policy": None, "reason": "the calls end"}).json()
    assert state["policy"] is None
    assert [change["reason"] for change in state["changes"]] == ["the calls end", "two nurses"]
    assert predict(client, RISKY)["flagged"] == [None]


def test_the_same_change_sent_again_is_recorded_once(client: TestClient, database: Connection) -> None:
    put(client)
    put(client)
    assert len(rows(database, "policies")) == 1


@pytest.mark.parametrize("key", ["", "wrong", KEY + "x"])
def test_without_the_key_of_the_operator_nothing_is_changed(client: TestClient, database: Connection, key: str) -> None:
    answer = put(client, key=key)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:readmission:problem:no-operator-key"
    assert rows(database, "policies") == []


@pytest.mark.usefixtures("database")
def test_a_service_without_an_operator_key_takes_no_change(start: Serve) -> None:
    answer = put(start(operator_key=""), key="")
    assert answer.status_code == 403
    assert "set OPERATOR_KEY" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"policy": {"name": "x", "threshold": 20}}, "policy.threshold"),
        ({"policy": {"name": "", "threshold": 0.2}}, "policy.name"),
        ({"actor": " "}, "actor"),
        ({"why": "x"}, "why"),
        ({"reason": None}, "reason"),
    ],
)
def test_an_invalid_change_names_the_field(client: TestClient, change: dict[str, Any], field: str) -> None:
    answer = put(client, CHANGE | change)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_changes_made_elsewhere_are_followed(client: TestClient, database: Connection) -> None:
    insert = "INSERT INTO policies (name, threshold, actor, reason) VALUES ('other', 0.05, 'me', 'test')"
    database.execute(text(insert))
    eventually(lambda: predict(client, SAFE)["flagged"] == [True])


def test_the_policy_survives_postgresql_being_away_even_at_the_start(client: TestClient, start: Serve) -> None:
    put(client)
    away = start(postgres_port=9)
    assert predict(away, RISKY)["flagged"] == [True]
    assert away.get("/policy").json() == {"policy": CHANGE["policy"], "changes": None}
    answer = put(away)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    "statement", ["UPDATE policies SET threshold = 0.9", "DELETE FROM policies", "TRUNCATE policies"]
)
def test_changes_cannot_be_rewritten(database: Connection, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        database.execute(text(statement))
