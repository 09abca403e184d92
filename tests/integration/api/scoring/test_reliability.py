"""Known fields, reliability and range of predictions."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from ml.schema import EXAMPLE_RECORD
from tests.integration.api.bundles import RELIABILITY_CURVE, expected
from tests.integration.api.routes.test_predict import assert_problem

SOME: dict[str, Any] = {"gender": "Female", "number_inpatient": 2, "race": None}
RECORDS: list[dict[str, Any]] = [{}, SOME, EXAMPLE_RECORD]


def predict(client: TestClient, records: list[dict[str, Any]], query: str = "") -> Any:
    return client.post(f"/predict{query}", json={"records": records}).json()


def test_known_fields_are_counted_and_more_of_them_are_more_reliable(client: TestClient) -> None:
    answer = predict(client, RECORDS)

    assert answer["known_fields"] == [0, 2, 47]
    assert answer["reliability"] == [0.5, 0.508, 0.696]


@pytest.mark.parametrize("size", [1, 200])
def test_ranges_are_optional_and_contain_the_prediction(client: TestClient, size: int) -> None:
    records = RECORDS * size

    assert "intervals" not in predict(client, records) | predict(client, records, "?interval=false")
    answer = predict(client, records, "?interval=true")

    assert len(answer["intervals"]) == len(records)
    for probability, (low, high) in zip(answer["predictions"], answer["intervals"], strict=True):
        assert 0 < low <= probability <= high < 1
    widths = [high - low for low, high in answer["intervals"]]
    assert widths[0] > widths[2] > 0


def test_the_range_is_that_of_the_reliability_curve(client: TestClient) -> None:
    (interval,) = predict(client, [{}], "?interval=true")["intervals"]

    assert interval == pytest.approx([expected({}, -3), expected({}, -1)], abs=1e-6)


@pytest.mark.parametrize("query", ["interval=maybe", "interval=", "interval=true&interval=false"])
def test_an_invalid_interval_is_a_422_that_names_it(client: TestClient, query: str) -> None:
    problem = assert_problem(client.post(f"/predict?{query}", json={"records": [{}]}), 422)

    assert problem["type"] == "urn:readmission:problem:invalid-query"
    assert problem["errors"][0]["field"] == "interval"
    assert problem["detail"] == "interval must be true or false, once."


def test_the_model_description_has_the_reliability_curve(client: TestClient) -> None:
    described = client.get("/model").json()

    assert described["interval_coverage"] == RELIABILITY_CURVE.coverage
    assert described["completeness"]["information"] == list(RELIABILITY_CURVE.information)
    assert described["completeness"]["auroc_without_history"] == list(RELIABILITY_CURVE.auroc[0])
    assert described["completeness"]["auroc_with_history"] == list(RELIABILITY_CURVE.auroc[1])
    assert sum(described["completeness"]["weights"].values()) == pytest.approx(1)
