import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ui.api_client import (
    NoModelYet,
    PlatformClient,
    Refused,
    ServiceError,
    TooSlow,
    UnexpectedAnswer,
    Unreachable,
)

MODEL = {
    "name": "diabetes-readmission",
    "version": "3",
    "algorithm": "random_forest",
    "data_source": "real",
    "data_version": "5f2c",
    "trained_at": "2026-05-04T02:11:09+00:00",
    "metrics": {"auroc": {"value": 0.67, "low": 0.66, "high": 0.68}},
    "prevalence": 0.11,
    "risk_quantiles": [0.0, 0.1, 0.6],
    "a_field_of_a_later_version": True,
}
PREDICTION = {
    "predictions": [0.18],
    "model": {"name": "diabetes-readmission", "version": "3", "data_source": "real"},
    "request_id": "abc",
}


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> PlatformClient:
    return PlatformClient("http://api:8000/", "http://mlflow:5000", 2, transport=httpx.MockTransport(answer))


def always(status: int, body: Any) -> PlatformClient:
    return answering(lambda _: httpx.Response(status, json=body))


def failing(error: type[httpx.HTTPError]) -> PlatformClient:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("broken")

    return answering(fail)


def test_the_served_model_is_read_and_unknown_fields_are_passed_over() -> None:
    model = always(200, MODEL).served_model()
    assert (model.version, model.metrics["auroc"].low, model.risk_quantiles) == ("3", 0.66, (0.0, 0.1, 0.6))
    assert model.trained_at.utcoffset() is not None


@pytest.mark.parametrize(("key", "sent"), [("the key", "the key"), ("", None)])
def test_the_key_goes_to_the_api_and_to_nobody_else(key: str, sent: str | None) -> None:
    seen: dict[str, str | None] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        seen[request.url.host] = request.headers.get("x-api-key")
        return httpx.Response(503)

    client = PlatformClient("http://api:8000", "http://mlflow:5000", 2, key, httpx.MockTransport(answer))
    for ask in (client.served_model, client.production_version):
        with pytest.raises(ServiceError):
            ask()

    assert seen == {"api": sent, "mlflow": None}


def test_a_refused_key_is_told_in_the_words_of_the_api() -> None:
    with pytest.raises(Refused, match="asks for a key"):
        always(401, {"title": "No key", "status": 401, "detail": "This service asks for a key."}).served_model()


def test_one_record_is_posted_as_a_batch_of_one() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=PREDICTION)

    prediction = answering(answer).predict({"age": "[60-70)"})
    assert prediction.predictions == (0.18,)
    assert str(seen[0].url) == "http://api:8000/predict"
    assert json.loads(seen[0].content) == {"records": [{"age": "[60-70)"}]}


def test_the_production_version_is_asked_for_by_its_alias() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "mlflow"
        assert dict(request.url.params) == {"name": "diabetes-readmission", "alias": "production"}
        tags = [{"key": "data_source", "value": "synthetic"}]
        return httpx.Response(200, json={"model_version": {"name": "diabetes-readmission", "version": 4, "tags": tags}})

    version = answering(answer).production_version()
    assert version.version == "4"
    assert version.tag("data_source") == "synthetic"
    assert version.tag("algorithm") is None


@pytest.mark.parametrize(("status", "code"), [(404, "RESOURCE_DOES_NOT_EXIST"), (400, "INVALID_PARAMETER_VALUE")])
def test_a_registry_without_the_model_or_without_the_alias_means_no_model_yet(status: int, code: str) -> None:
    with pytest.raises(NoModelYet):
        always(status, {"error_code": code, "message": "not found"}).production_version()


def test_another_server_at_the_address_of_mlflow_is_not_taken_for_an_empty_registry() -> None:
    with pytest.raises(UnexpectedAnswer, match="status 404"):
        always(404, {"detail": "Not Found"}).production_version()


def test_an_api_without_a_model_says_what_to_run() -> None:
    detail = "no production model yet: run train_models_diabetes_simple"
    with pytest.raises(NoModelYet, match="run train_models_diabetes_simple"):
        always(503, {"title": "Service Unavailable", "status": 503, "detail": detail}).predict({})


def test_a_refusal_carries_its_faults_field_by_field() -> None:
    fault = {"record": 0, "field": "age", "value": "abc", "message": "is not allowed", "allowed": ["[0-10)"]}
    with pytest.raises(Refused, match="1 fault") as refusal:
        always(422, {"title": "Unprocessable", "status": 422, "detail": "1 fault", "errors": [fault]}).predict({})
    assert [(one.field, one.value, one.allowed) for one in refusal.value.faults] == [("age", "abc", ("[0-10)",))]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError, Unreachable),
        (httpx.RemoteProtocolError, Unreachable),
        (httpx.ReadTimeout, TooSlow),
        (httpx.ConnectTimeout, TooSlow),
    ],
)
def test_transport_faults_become_one_clear_sentence(error: type[httpx.HTTPError], expected: type[ServiceError]) -> None:
    with pytest.raises(expected, match=r"^The prediction API (cannot be reached|did not answer).*\.$"):
        failing(error).served_model()


def test_an_unreachable_service_is_named_with_its_address() -> None:
    with pytest.raises(Unreachable, match="MLflow cannot be reached at http://mlflow:5000: check"):
        failing(httpx.ConnectError).production_version()


@pytest.mark.parametrize("status", [400, 403, 500, 502])
def test_a_failing_service_is_told_with_its_status(status: int) -> None:
    client = answering(lambda _: httpx.Response(status, text="<html>"))
    with pytest.raises(UnexpectedAnswer, match=f"status {status}"):
        client.served_model()


@pytest.mark.parametrize("body", [{}, {"predictions": []}, {"predictions": ["high"]}, []])
def test_an_answer_of_another_shape_is_not_drawn(body: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="does not understand"):
        always(200, body).predict({})


def test_a_malformed_address_is_told_as_unreachable() -> None:
    with (
        PlatformClient("http://:99999", "http://mlflow", 1) as client,
        pytest.raises(ServiceError, match="cannot be reached"),
    ):
        client.served_model()
