"""What counts as a right answer in a load test."""

import json
from types import ModuleType
from typing import Any

import pytest

RIGHT: dict[str, Any] = {"predictions": [0.18, 0.0], "model": {"version": "3"}, "request_id": "a"}


def test_a_right_answer_has_no_fault(answers: ModuleType) -> None:
    assert answers.fault_of(200, json.dumps(RIGHT), records=2) is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"predictions": [0.18]}, "another number of predictions"),
        ({"predictions": []}, "another number of predictions"),
        ({"predictions": None}, "without a list"),
        ({"predictions": [0.18, 1.01]}, "no probability"),
        ({"predictions": [0.18, -0.1]}, "no probability"),
        ({"predictions": [0.18, float("nan")]}, "no probability"),
        ({"predictions": [0.18, None]}, "no probability"),
        ({"predictions": [0.18, "0.2"]}, "no probability"),
        ({"predictions": [0.18, True]}, "no probability"),
        ({"model": {}}, "without the version"),
        ({"model": {"version": ""}}, "without the version"),
        ({"model": None}, "without the version"),
    ],
)
def test_a_wrong_body_is_a_fault_though_the_status_is_200(
    answers: ModuleType, change: dict[str, Any], fault: str
) -> None:
    assert fault in answers.fault_of(200, json.dumps(RIGHT | change), records=2)


@pytest.mark.parametrize("body", [None, "", "<html>", "[]", "3"])
def test_a_body_that_is_no_json_object_is_a_fault(answers: ModuleType, body: str | None) -> None:
    assert answers.fault_of(200, body, records=1) == "200 without a list of predictions"


def test_a_missing_model_is_told_in_the_words_of_the_service(answers: ModuleType) -> None:
    body = json.dumps({"title": "Service Unavailable", "detail": "no production model yet: run something"})

    assert answers.fault_of(503, body, records=1) == "503: no production model yet: run something"


def test_a_refused_record_is_told_by_its_field_only_so_that_few_texts_arise(answers: ModuleType) -> None:
    body = json.dumps({"title": "Unprocessable", "errors": [{"record": 7, "field": "age", "value": "abc"}]})

    assert answers.fault_of(422, body, records=9) == "422: field age refused"


@pytest.mark.parametrize(("status", "body"), [(404, '{"title": "Not Found"}'), (413, ""), (500, "Internal error")])
def test_every_other_status_is_a_fault(answers: ModuleType, status: int, body: str) -> None:
    assert answers.fault_of(status, body, records=1).startswith(f"{status}: ")


def test_no_answer_at_all_is_told(answers: ModuleType) -> None:
    assert "is the API running" in answers.fault_of(0, None, records=1)
