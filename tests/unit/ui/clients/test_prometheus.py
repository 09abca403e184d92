"""The Prometheus client: values, lines and errors."""

from typing import Any

import httpx
import pytest

from ui.clients.errors import InvalidResponse, ServerError, TimedOut
from ui.clients.prometheus import MAX_SECONDS, PrometheusClient, Sample, TimeSeries


def prometheus(status: int, body: Any, seen: list[httpx.Request] | None = None) -> PrometheusClient:
    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return httpx.Response(status, json=body)

    return PrometheusClient("http://prometheus:9090", 10, httpx.MockTransport(answer))


def result(*series: dict[str, Any]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "vector", "result": list(series)}}


def test_values_that_are_no_numbers_are_left_out() -> None:
    series = ({"metric": {"a": text}, "value": [1.5, text]} for text in ("2.5", "NaN", "+Inf"))
    assert prometheus(200, result(*series)).query("up") == (Sample({"a": "2.5"}, 2.5),)


def test_a_line_without_any_number_is_left_out() -> None:
    gaps = {"metric": {}, "values": [[1, "NaN"], [2, "3"]]}
    client = prometheus(200, result(gaps, {"metric": {"a": "b"}, "values": [[1, "NaN"]]}))
    assert client.query_range("up", 0, 2, 1) == (TimeSeries({}, ((2.0, 3.0),)),)


def test_prometheus_gets_the_timeout_of_the_page() -> None:
    seen: list[httpx.Request] = []
    prometheus(200, result(), seen).query("up")
    assert f"timeout={MAX_SECONDS}" in seen[0].content.decode()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, {"status": "error", "errorType": "timeout", "error": "query timed out"}, TimedOut),
        (422, {"status": "error", "errorType": "execution", "error": "many-to-many"}, ServerError),
        (200, {"status": "success", "data": {"result": [{"metric": {}, "value": [1, "high"]}]}}, InvalidResponse),
    ],
)
def test_errors_of_prometheus_are_distinguished(status: int, body: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        prometheus(status, body).query("up")
