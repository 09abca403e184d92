"""The client of Airflow, and a first model made through it."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.dag_server import DagServer
from ui.clients.airflow import AirflowClient
from ui.clients.errors import InvalidResponse, Rejected, ServerError
from ui.overview.first_run import DAGS, INGEST, TRAIN, FirstRun

Handler = Callable[[httpx.Request], httpx.Response]


def client(answer: Handler) -> AirflowClient:
    return AirflowClient("http://airflow:8080", 2, "airflow", "secret", httpx.MockTransport(answer))


def served_by(server: DagServer) -> AirflowClient:
    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        status, said = server.answer(request.method, request.url.path, body, request.headers.get("Authorization", ""))
        return httpx.Response(status, json=said)

    return client(answer)


def gone_through(server: DagServer) -> FirstRun:
    run = FirstRun(served_by(server), poll_seconds=0.01)
    run.start()
    assert run._thread is not None
    run._thread.join(20)
    assert not run.is_running
    return run


def test_it_logs_in_once_and_again_when_its_token_has_expired() -> None:
    server = DagServer()
    airflow = served_by(server)
    airflow.trigger(INGEST)
    airflow.latest_runs(INGEST)
    assert server.logins == 1
    server.token = "another"
    airflow.latest_runs(INGEST)
    assert server.logins == 2


def test_a_wrong_password_is_rejected() -> None:
    server = DagServer(password="other")
    with pytest.raises(Rejected) as raised:
        served_by(server).latest_runs(INGEST)
    assert raised.value.status == 401


def test_triggering_unpauses_the_dag_and_starts_a_run() -> None:
    server = DagServer()
    run = served_by(server).trigger(TRAIN, {"reason": "by hand"})
    assert (run.dag_id, run.state, run.is_finished) == (TRAIN, "queued", False)
    assert server.switched_on == [TRAIN]
    assert server.triggered == [(TRAIN, {"logical_date": None, "conf": {"reason": "by hand"}})]


def test_health_requires_no_login_and_has_each_component() -> None:
    beat = "2026-05-04T02:11:09.123456+00:00"

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/v2/monitor/health"
        assert "Authorization" not in request.headers
        return httpx.Response(
            200,
            json={
                "metadatabase": {"status": "healthy"},
                "scheduler": {"status": "unhealthy", "latest_scheduler_heartbeat": beat},
                "dag_processor": {"status": None, "latest_dag_processor_heartbeat": None},
            },
        )

    health = client(answer).health()
    assert health.metadatabase.is_healthy
    assert not health.scheduler.is_healthy
    assert health.scheduler.heartbeat is not None
    assert health.dag_processor is not None
    assert not health.dag_processor.is_healthy


@pytest.mark.parametrize("body", [{}, [], {"dag_runs": [{"state": "running"}]}])
def test_an_unexpected_response_is_invalid(body: Any) -> None:
    with pytest.raises(InvalidResponse):
        client(lambda _: httpx.Response(200, json=body)).latest_runs(INGEST)


def test_a_first_run_ingests_and_then_trains() -> None:
    server = DagServer()
    run = gone_through(server)
    assert run.error is None
    assert run.has_succeeded
    assert [dag for dag, _body in server.triggered] == list(DAGS)
    assert server.switched_on.index(INGEST) < server.switched_on.index(TRAIN)


def test_a_run_that_airflow_has_started_is_followed() -> None:
    server = DagServer(starts_by_itself={TRAIN})
    assert gone_through(server).has_succeeded
    assert Counter(dag for dag, _body in server.triggered) == {INGEST: 1}


def test_after_a_failed_ingestion_nothing_is_trained() -> None:
    server = DagServer(ends={INGEST: "failed"})
    run = gone_through(server)
    assert (run.runs[INGEST].state, run.failed_task) == ("failed", "load_raw_data")
    assert TRAIN not in run.runs
    assert not run.has_succeeded


def test_a_first_run_survives_a_few_failures_of_airflow() -> None:
    server = DagServer(failures_while_following=3)
    assert gone_through(server).has_succeeded


def test_a_first_run_fails_when_airflow_stays_unavailable() -> None:
    server = DagServer(failures_while_following=1_000)
    assert isinstance(gone_through(server).error, ServerError)


def test_a_first_run_starts_once() -> None:
    server = DagServer()
    run = FirstRun(served_by(server), poll_seconds=0.05)
    run.start()
    first = run._thread
    run.start()
    assert run._thread is first
    assert first is not None
    first.join(20)
    assert len(server.triggered) == 2
