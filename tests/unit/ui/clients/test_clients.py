import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ui.clients.api import ApiClient
from ui.clients.errors import (
    Busy,
    InvalidResponse,
    NoModelYet,
    Rejected,
    ServerError,
    ServiceError,
    TimedOut,
    Unreachable,
)
from ui.clients.mlflow import RegistryClient
from ui.i18n.wording import error_text

Handler = Callable[[httpx.Request], httpx.Response]

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
    "completeness": {"weights": {}, "information": [], "auroc_without_history": [], "auroc_with_history": []},
    "interval_coverage": 0.9,
    "a_field_of_a_later_version": True,
}
PREDICTION = {
    "predictions": [0.18],
    "known_fields": [1],
    "reliability": [0.52],
    "history": ["none"],
    "outside_population": [None],
    "warnings": [],
    "intervals": [[0.1, 0.3]],
    "model": {"name": "diabetes-readmission", "version": "3", "data_source": "real"},
    "request_id": "abc",
}


def api(answer: Handler) -> ApiClient:
    return ApiClient("http://api:8000/", 2, transport=httpx.MockTransport(answer))


def mlflow(answer: Handler) -> RegistryClient:
    return RegistryClient("http://mlflow:5000", 2, transport=httpx.MockTransport(answer))


def always(status: int, body: Any) -> Handler:
    return lambda _: httpx.Response(status, json=body)


def failing(error: type[httpx.HTTPError]) -> Handler:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("broken")

    return fail


def test_the_served_model_is_validated_and_unknown_fields_are_ignored() -> None:
    model = api(always(200, MODEL)).served_model()
    assert (model.version, model.metrics["auroc"].low, model.risk_quantiles) == ("3", 0.66, (0.0, 0.1, 0.6))
    assert model.trained_at.utcoffset() is not None


@pytest.mark.parametrize(("key", "sent"), [("the key", "the key"), ("", None)])
def test_the_key_is_sent_to_the_api(key: str, sent: str | None) -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("x-api-key"))
        return httpx.Response(503)

    with pytest.raises(NoModelYet):
        ApiClient("http://api:8000", 2, key, httpx.MockTransport(answer)).served_model()
    assert seen == [sent]


def test_a_rejected_key_has_its_own_text() -> None:
    with pytest.raises(Rejected) as raised:
        api(always(401, {"title": "No key", "status": 401, "detail": "An API key is required."})).served_model()
    assert "rejected the key" in error_text(raised.value)


def test_predict_posts_a_batch_of_one() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=PREDICTION)

    prediction = api(answer).predict({"age": "[60-70)"})
    assert prediction.predictions == (0.18,)
    assert str(seen[0].url) == "http://api:8000/predict?interval=true"
    assert json.loads(seen[0].content) == {"records": [{"age": "[60-70)"}]}


def test_the_production_version_is_fetched_by_its_alias() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "mlflow"
        assert dict(request.url.params) == {"name": "diabetes-readmission", "alias": "production"}
        tags = [{"key": "data_source", "value": "synthetic"}]
        return httpx.Response(200, json={"model_version": {"name": "diabetes-readmission", "version": 4, "tags": tags}})

    version = mlflow(answer).version_by_alias()
    assert version.version == "4"
    assert version.tag("data_source") == "synthetic"
    assert version.tag("algorithm") is None


@pytest.mark.parametrize(("status", "code"), [(404, "RESOURCE_DOES_NOT_EXIST"), (400, "INVALID_PARAMETER_VALUE")])
def test_a_registry_without_the_model_or_without_the_alias_means_no_model_yet(status: int, code: str) -> None:
    with pytest.raises(NoModelYet):
        mlflow(always(status, {"error_code": code, "message": "not found"})).version_by_alias()


def test_a_404_of_another_server_is_not_an_empty_registry() -> None:
    with pytest.raises(Rejected) as raised:
        mlflow(always(404, {"detail": "Not Found"})).version_by_alias()
    assert raised.value.status == 404


def test_no_model_yet_has_the_detail_of_the_api() -> None:
    detail = "no production model yet: run train_models_diabetes_simple"
    with pytest.raises(NoModelYet) as raised:
        api(always(503, {"title": "Service Unavailable", "status": 503, "detail": detail})).predict({})
    assert "run train_models_diabetes_simple" in raised.value.detail


def test_a_rejection_has_the_errors_of_the_fields() -> None:
    fault = {"record": 0, "field": "age", "value": "abc", "message": "is not allowed", "allowed": ["[0-10)"]}
    problem = {"title": "Unprocessable", "status": 422, "detail": "1 fault", "errors": [fault], "error_count": 40}
    with pytest.raises(Rejected) as raised:
        api(always(422, problem)).predict({})
    assert (raised.value.detail, raised.value.error_count) == ("1 fault", 40)
    assert [(one.field, one.value, one.allowed) for one in raised.value.errors] == [("age", "abc", ("[0-10)",))]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError, Unreachable),
        (httpx.RemoteProtocolError, Unreachable),
        (httpx.ReadTimeout, TimedOut),
        (httpx.ConnectTimeout, TimedOut),
    ],
)
def test_transport_errors_have_a_text(error: type[httpx.HTTPError], expected: type[ServiceError]) -> None:
    with pytest.raises(expected) as raised:
        api(failing(error)).served_model()
    assert re.match(r"The prediction API (cannot be reached|did not answer).*\.$", error_text(raised.value))


def test_the_text_of_an_unreachable_service_has_its_address() -> None:
    with pytest.raises(Unreachable) as raised:
        mlflow(failing(httpx.ConnectError)).version_by_alias()
    assert error_text(raised.value) == "MLflow cannot be reached at mlflow:5000: check that it is running."


@pytest.mark.parametrize("status", [400, 403, 500, 502])
def test_the_text_of_a_server_error_has_its_status(status: int) -> None:
    with pytest.raises(ServerError) as raised:
        api(lambda _: httpx.Response(status, text="<html>")).served_model()
    assert f"status {status}" in error_text(raised.value)


@pytest.mark.parametrize("body", [{}, {"predictions": []}, {"predictions": ["high"]}, []])
def test_an_unexpected_response_is_invalid(body: Any) -> None:
    with pytest.raises(InvalidResponse) as raised:
        api(always(200, body)).predict({})
    assert "unexpected format" in error_text(raised.value)


def test_a_malformed_address_is_unreachable() -> None:
    with ApiClient("http://:99999", 1) as client, pytest.raises(Unreachable):
        client.served_model()


@pytest.mark.parametrize(
    ("status", "body", "headers", "seconds"),
    [
        (
            503,
            {"type": "urn:readmission:problem:overloaded", "detail": "As many as it takes."},
            {"Retry-After": "4"},
            4,
        ),
        (429, {"detail": "too often"}, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 1),
        (429, {}, {}, 1),
    ],
)
def test_a_busy_service_is_not_one_without_a_model(
    status: int, body: Any, headers: dict[str, str], seconds: int
) -> None:
    with pytest.raises(Busy) as raised:
        api(lambda _: httpx.Response(status, json=body, headers=headers)).served_model()
    assert raised.value.seconds == seconds
    assert "is overloaded" in error_text(raised.value)
