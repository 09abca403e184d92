"""How much an answer rests on: known fields, reliability and range."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from ml.schema import EXAMPLE_RECORD
from tests.integration.api.bundles import RELIABILITY_CURVE, expected
from tests.integration.api.routes.test_predict import assert_problem

SOME: dict[str, Any] = {"gender": "Female", "number_inpatient": 2, "race": None}
RECORDS: list[dict[str, Any]] = [{}, SOME, EXAMPLE_RECORD]


def ask(client: TestClient, records: list[dict[str, Any]], query: str = "") -> Any:
    return client.post(f"/predict{query}", json={"records": records}).json()


def test_what_is_known_is_counted_and_more_of_it_is_more_reliable(client: TestClient) -> None:
    answer = ask(client, RECORDS)

    assert answer["known_fields"] == [0, 2, 47]
    assert answer["reliability"] == [0.5, 0.508, 0.696]


@pytest.mark.parametrize("size", [1, 200])
def test_ranges_come_on_request_only_and_hold_the_answer(client: TestClient, size: int) -> None:
    records = RECORDS * size

    assert "intervals" not in ask(client, records) | ask(client, records, "?interval=false")
    answer = ask(client, records, "?interval=true")

    assert len(answer["intervals"]) == len(records)
    for probability, (low, high) in zip(answer["predictions"], answer["intervals"], strict=True):
        assert 0 < low <= probability <= high < 1
    widths = [high - low for low, high in answer["intervals"]]
    assert widths[0] > widths[2] > 0


def test_the_range_is_the_one_that_was_measured_for_so_much_information(client: TestClient) -> None:
    (interval,) = ask(client, [{}], "?interval=true")["intervals"]

    assert interval == pytest.approx([expected({}, -3), expected({}, -1)], abs=1e-6)


@pytest.mark.parametrize("query", ["interval=yes", "interval=", "interval=true&interval=false"])
def test_any_other_interval_is_a_422_that_names_it(client: TestClient, query: str) -> None:
    problem = assert_problem(client.post(f"/predict?{query}", json={"records": [{}]}), 422)

    assert problem["type"] == "urn:readmission:problem:invalid-query"
    assert problem["errors"][0]["field"] == "interval"
    assert problem["detail"] == "interval must be true or false, once."


def test_the_model_says_what_reliability_and_range_rest_on(client: TestClient) -> None:
    described = client.get("/model").json()

    assert described["interval_coverage"] == RELIABILITY_CURVE.coverage
    assert described["completeness"]["information"] == list(RELIABILITY_CURVE.information)
    assert described["completeness"]["auroc_without_history"] == list(RELIABILITY_CURVE.auroc[0])
    assert described["completeness"]["auroc_with_history"] == list(RELIABILITY_CURVE.auroc[1])
    assert sum(described["completeness"]["weights"].values()) == pytest.approx(1)
