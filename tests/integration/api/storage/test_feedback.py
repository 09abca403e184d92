"""POST /feedback with a real PostgreSQL: outcomes, repeats and corrections, joined to predictions."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from api.keys import hash_key
from tests.integration.api.conftest import eventually
from tests.integration.api.storage.conftest import Serve
from tests.integration.api.storage.databases import rows
from tests.integration.api.storage.outcomes import OUTCOME, TODAY, send


@pytest.fixture
def start(serve: Serve) -> Serve:
    """Starts the service with the prediction log."""
    return partial(serve, prediction_log=True)


@pytest.fixture
def client(start: Serve, database: Connection) -> TestClient:
    return start()


def predict(client: TestClient, database: Connection, *records: dict[str, Any], request_id: str = "r-1") -> None:
    before = len(rows(database))
    client.post("/predict", json={"records": list(records)}, headers={"X-Request-ID": request_id})
    eventually(lambda: len(rows(database)) == before + len(records))


def labelled(database: Connection) -> list[tuple[str, int, bool]]:
    found = rows(database, "labelled_predictions")
    return [(row["request_id"], row["position"], row["readmitted_within_30_days"]) for row in found]


def test_an_outcome_is_joined_to_its_prediction_by_request_or_encounter(
    client: TestClient, database: Connection
) -> None:
    predict(client, database, {"race": "Asian"}, {"encounter_id": 9, "patient_nbr": 7}, {})

    result = send(
        client,
        {"request_id": "r-1", "position": 2, **OUTCOME},
        {"encounter_id": 9, "readmitted": ">30", "known_on": TODAY},
    )

    assert result == [("recorded", 1), ("recorded", 1)]
    assert labelled(database) == [("r-1", 1, False), ("r-1", 2, True)]
    by_request, by_encounter = rows(database, "outcomes")
    assert (by_request["readmitted"], by_request["known_on"]) == (None, date.fromisoformat(TODAY))
    assert (by_encounter["readmitted"], by_encounter["encounter"]) == (">30", rows(database)[1]["encounter"])
    assert by_request["client"] == rows(database)[0]["client"]


def test_an_outcome_may_arrive_before_its_prediction(client: TestClient, database: Connection) -> None:
    by_request = {"request_id": "r-1", "position": 0, **OUTCOME}
    assert send(client, by_request, {"encounter_id": 9, **OUTCOME}) == [("recorded", 0)] * 2
    assert labelled(database) == []

    predict(client, database, {"race": "Asian"}, {"encounter_id": 9})

    assert labelled(database) == [("r-1", 0, True), ("r-1", 1, True)]


def test_a_request_of_several_records_needs_a_position(client: TestClient, database: Connection) -> None:
    predict(client, database, {"race": "Asian"}, {}, {}, request_id="three")
    predict(client, database, {}, request_id="one")
    outcomes = [{"request_id": "one", **OUTCOME}, {"request_id": "three", **OUTCOME}]

    refused = client.post("/feedback", json={"outcomes": outcomes})

    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["record"], error["field"]) == (1, "position")
    assert refused.json()["detail"] == (
        "Outcome 1: position: the request has 3 records; give the position of the record, from 0."
    )
    assert rows(database, "outcomes") == []
    assert send(client, outcomes[0], {**outcomes[1], "position": 0}) == [("recorded", 1)] * 2


def test_an_outcome_without_position_that_arrives_first_is_of_a_request_of_one_record(
    client: TestClient, database: Connection
) -> None:
    send(client, {"request_id": "one", **OUTCOME}, {"request_id": "two", **OUTCOME})

    predict(client, database, {}, request_id="one")
    predict(client, database, {}, {}, request_id="two")

    assert labelled(database) == [("one", 0, True)]
    assert send(client, {"request_id": "two", "position": 0, **OUTCOME}) == [("corrected", 1)]
    assert labelled(database) == [("one", 0, True), ("two", 0, True)]
    assert send(client, {"request_id": "one", "position": 0, **OUTCOME}) == [("corrected", 1)]
    assert send(client, {"request_id": "one", **OUTCOME}) == [("unchanged", 1)]


def test_an_outcome_dated_before_its_prediction_is_refused(client: TestClient, database: Connection) -> None:
    predict(client, database, {"encounter_id": "E/1"}, request_id="r-1")
    early = (datetime.now(UTC).date() - timedelta(days=2)).isoformat()
    outcomes = [
        {"request_id": "r-2", **OUTCOME, "known_on": early},
        {"request_id": "r-1", **OUTCOME, "known_on": early},
        {"encounter_id": "E/1", **OUTCOME, "known_on": early},
    ]

    refused = client.post("/feedback", json={"outcomes": outcomes})

    assert refused.status_code == 422
    assert [(error["record"], error["field"]) for error in refused.json()["errors"]] == [
        (1, "known_on"),
        (2, "known_on"),
    ]
    assert f"Outcome 1: known_on: {early} is before the prediction of {TODAY}" in refused.json()["detail"]
    assert rows(database, "outcomes") == []
    assert send(client, outcomes[0]) == [("recorded", 0)]


def test_an_early_outcome_that_arrived_before_its_prediction_is_refused_from_then_on(
    client: TestClient, database: Connection
) -> None:
    early = {"encounter_id": 9, **OUTCOME, "known_on": (datetime.now(UTC).date() - timedelta(days=2)).isoformat()}
    assert send(client, early) == [("recorded", 0)]

    predict(client, database, {"encounter_id": 9})

    assert client.post("/feedback", json={"outcomes": [early]}).status_code == 422
    assert send(client, {"encounter_id": 9, **OUTCOME}) == [("corrected", 1)]


def test_the_day_of_a_time_counts_as_it_is_written(client: TestClient, database: Connection) -> None:
    times = ["T00:10", " 09:30:00", "T09:30:00.123Z", "T23:59:59.123456789-05:00", "t09:30:00z", "T09:30:00+0200", ""]

    send(client, *[{"request_id": str(place), **OUTCOME, "known_on": TODAY + time} for place, time in enumerate(times)])

    assert {row["known_on"] for row in rows(database, "outcomes")} == {date.fromisoformat(TODAY)}


@pytest.mark.parametrize("mode", ["hash", "plain"])
def test_identifiers_of_other_systems_join_outcomes_to_predictions(
    start: Serve, database: Connection, mode: str
) -> None:
    client = start(log_patient_ids=mode)
    uuid = "3f0c9d0a-4a6e-4d0f-8d0d-4f6f2d3f7a11"
    encounters = [uuid, r"E\7 \N ä", "0082", 8_222_157, "8222157"]
    predict(client, database, *[{"encounter_id": one, "patient_nbr": one} for one in encounters])

    result = send(client, *[{"encounter_id": one, **OUTCOME} for one in (uuid, r"E\7 \N ä", "0082", " 8222157.0 ")])

    assert result == [("recorded", 1)] * 3 + [("recorded", 2)]
    assert send(client, {"encounter_id": 82, **OUTCOME}) == [("recorded", 0)]
    logged = [row["encounter"] for row in rows(database)]
    assert logged[3] == logged[4]
    if mode == "plain":
        assert logged == [uuid, r"E\7 \N ä", "0082", "8222157", "8222157"]
    else:
        assert all(len(name) == 32 for name in logged)


def test_a_request_and_an_encounter_of_the_same_name_are_two_predictions(
    client: TestClient, database: Connection
) -> None:
    assert send(client, {"request_id": "A1", **OUTCOME}, {"encounter_id": "A1", **OUTCOME}) == [("recorded", 0)] * 2


def test_a_repeated_outcome_changes_nothing_and_a_correction_keeps_the_earlier_one(
    client: TestClient, database: Connection
) -> None:
    predict(client, database, {})
    corrected = {**OUTCOME, "readmitted_within_30_days": False}

    result = [
        send(client, {"request_id": "r-1", **outcome})[0][0] for outcome in (OUTCOME, OUTCOME, corrected, corrected)
    ]

    assert result == ["recorded", "unchanged", "corrected", "unchanged"]
    assert [row["readmitted_within_30_days"] for row in rows(database, "outcomes")] == [True, False]
    assert labelled(database) == [("r-1", 0, False)]
    metrics = client.get("/metrics").text
    for status, count in (("recorded", 1), ("unchanged", 2), ("corrected", 1)):
        assert f'api_feedback_total{{status="{status}"}} {count}.0' in metrics


def test_an_outcome_is_corrected_only_with_the_key_that_reported_it(start: Serve, database: Connection) -> None:
    owners = ("ward-7", "ward-8")
    client = start(api_keys=",".join(f"{name}:{hash_key(name)}" for name in owners))
    known: dict[str, Any] = {"encounter_id": 7, "readmitted_within_30_days": True, "known_on": TODAY}

    def report(owner: str, **change: Any) -> httpx.Response:
        return client.post("/feedback", json={"outcomes": [known | change]}, headers={"X-API-Key": owner})

    assert report("ward-7").json()["outcomes"][0]["status"] == "recorded"
    assert report("ward-8").json()["outcomes"][0]["status"] == "unchanged"
    refused = report("ward-8", readmitted_within_30_days=False)
    assert refused.status_code == 422
    assert "only that client may correct it" in refused.text
    assert len(rows(database, "outcomes")) == 1
    assert report("ward-7", readmitted_within_30_days=False).json()["outcomes"][0]["status"] == "corrected"


def test_the_same_outcome_sent_concurrently_is_recorded_once(client: TestClient, database: Connection) -> None:
    with ThreadPoolExecutor(8) as pool:
        result = list(pool.map(lambda _: send(client, {"encounter_id": 5, **OUTCOME})[0][0], range(24)))

    assert sorted(set(result)) == ["recorded", "unchanged"]
    assert result.count("recorded") == 1
    assert len(rows(database, "outcomes")) == 1


def test_ten_thousand_outcomes_are_one_request(client: TestClient, database: Connection) -> None:
    predict(client, database, *[{"encounter_id": number + 1} for number in range(10_000)])
    outcomes = [{"encounter_id": number + 1, "readmitted": "NO", "known_on": TODAY} for number in range(10_000)]

    assert send(client, *outcomes) == [("recorded", 1)] * 10_000
    assert send(client, *outcomes) == [("unchanged", 1)] * 10_000


def test_without_encounters_in_the_log_an_outcome_needs_a_request_id(start: Serve, database: Connection) -> None:
    client = start(log_patient_ids="none")
    predict(client, database, {"encounter_id": 9})

    rejected = client.post(
        "/feedback", json={"outcomes": [{"request_id": "r-1", **OUTCOME}, {"encounter_id": 9, **OUTCOME}]}
    )

    assert rejected.status_code == 422
    assert rejected.json()["errors"][0]["record"] == 1
    assert "LOG_PATIENT_IDS=none" in rejected.json()["detail"]
    assert rows(database, "outcomes") == []
    assert send(client, {"request_id": "r-1", **OUTCOME}) == [("recorded", 1)]
