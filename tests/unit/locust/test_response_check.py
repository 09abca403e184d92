"""Which responses count as valid in a load test."""

import json
from types import ModuleType
from typing import Any

import pytest

VALID: dict[str, Any] = {"predictions": [0.18, 0.0], "model": {"version": "3"}, "request_id": "a"}


def test_a_valid_response_has_no_error(response_check: ModuleType) -> None:
    assert response_check.error_of(200, json.dumps(VALID), records=2) is None


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"predictions": [0.18]}, "another number of predictions"),
        ({"predictions": []}, "another number of predictions"),
        ({"predictions": None}, "without a list"),
        ({"predictions": [0.18, 1.01]}, "not a probability"),
        ({"predictions": [0.18, -0.1]}, "not a probability"),
        ({"predictions": [0.18, float("nan")]}, "not a probability"),
        ({"predictions": [0.18, None]}, "not a probability"),
        ({"predictions": [0.18, "0.2"]}, "not a probability"),
        ({"predictions": [0.18, True]}, "not a probability"),
        ({"model": {}}, "without the version"),
        ({"model": {"version": ""}}, "without the version"),
        ({"model": None}, "without the version"),
    ],
)
def test_an_invalid_body_is_an_error_even_with_status_200(
    response_check: ModuleType, change: dict[str, Any], error: str
) -> None:
    assert error in response_check.error_of(200, json.dumps(VALID | change), records=2)


@pytest.mark.parametrize("body", [None, "", "<html>", "[]", "3"])
def test_a_body_that_is_not_a_json_object_is_an_error(response_check: ModuleType, body: str | None) -> None:
    assert response_check.error_of(200, body, records=1) == "200 without a list of predictions"


def test_a_server_error_is_reported_with_its_detail(response_check: ModuleType) -> None:
    body = json.dumps({"title": "Service Unavailable", "detail": "no production model yet: run something"})

    assert response_check.error_of(503, body, records=1) == "503: no production model yet: run something"


def test_a_refused_record_is_reported_by_its_field_only(response_check: ModuleType) -> None:
    body = json.dumps({"title": "Unprocessable", "errors": [{"record": 7, "field": "age", "value": "abc"}]})

    assert response_check.error_of(422, body, records=9) == "422: field age refused"


@pytest.mark.parametrize(("status", "body"), [(404, '{"title": "Not Found"}'), (413, ""), (500, "Internal error")])
def test_every_other_status_is_an_error(response_check: ModuleType, status: int, body: str) -> None:
    assert response_check.error_of(status, body, records=1).startswith(f"{status}: ")


def test_a_missing_response_is_an_error(response_check: ModuleType) -> None:
    assert "is the API running" in response_check.error_of(0, None, records=1)
