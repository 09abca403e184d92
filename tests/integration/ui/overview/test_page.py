"""The Overview page: health of the services, the served model, and the steps to a first model."""

import json
import threading
import time
from dataclasses import fields

import pytest
from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Platform, ReceivedRequest, Reply
from tests.support.dag_server import DagServer
from ui import services
from ui.clients.errors import TimedOut
from ui.clients.service_health import HealthChecker, ServicesHealth
from ui.health import health
from ui.overview import first_run

PAGE = "app_pages/overview.py"
KEY = "the operator's"
BEAT = "2026-05-04T02:11:09+00:00"
HEALTHY = {
    "metadatabase": {"status": "healthy"},
    "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": BEAT},
    "triggerer": {"status": "healthy", "latest_triggerer_heartbeat": BEAT},
    "dag_processor": {"status": "healthy", "latest_dag_processor_heartbeat": BEAT},
}
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def healthy(platform: Platform) -> Platform:
    """All services are healthy."""
    for path in ("/ready", "/health", "/-/ready", "/"):
        platform.more["GET", path] = lambda _request: (200, {"status": "ok"})
    platform.more["GET", "/api/v2/monitor/health"] = lambda _request: (200, HEALTHY)
    platform.more["POST", "/api/v1/query"] = lambda request: (
        200,
        prometheus(request, {"api": 1, "grafana": 1, "alertmanager": 1, "node": 0}),
    )
    return platform


def prometheus(request: ReceivedRequest, up: dict[str, int], has_data: bool = True) -> dict[str, object]:
    body = request.body.decode()
    found: list[dict[str, object]] = []
    if "up%29" in body or "by+%28job%29" in body:
        found = [{"metric": {"job": job}, "value": [0, str(value)]} for job, value in up.items()]
    elif "data_version" in body and has_data:
        found = [{"metric": {}, "value": [0, "1.7e9"]}]
    elif "warehouse_up" in body:
        found = [{"metric": {}, "value": [0, "1"]}]
    return {"status": "success", "data": {"resultType": "vector", "result": found}}


def open_page(app: AppTest) -> AppTest:
    return app.run().switch_page(PAGE).run()


def texts(app: AppTest) -> str:
    assert not app.exception
    kinds = (app.markdown, app.error, app.info, app.success, app.warning, app.subheader)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_every_service_has_a_state_a_purpose_and_a_link(app: AppTest, healthy: Platform) -> None:
    page = texts(open_page(app))
    assert page.count(": running]") == 7
    assert "Stores training runs" in page
    urls = {link.proto.label: link.proto.url for link in app.get("link_button")}
    assert urls["Open Alertmanager"] == "http://localhost:9093"
    assert urls["Open Airflow"] == "http://airflow.example:8080"
    assert set(urls) >= {
        f"Open {name}" for name in ("Prediction API", "MLflow", "Prometheus", "Alertmanager", "Grafana", "Locust")
    }


def test_airflow_has_a_heartbeat_for_each_part(app: AppTest, healthy: Platform) -> None:
    page = texts(open_page(app))
    assert "scheduler: healthy, last heartbeat 4 May 2026, 02:11 UTC" in page
    assert "DAG processor: healthy" in page


def test_airflow_without_a_scheduler_is_not_running(app: AppTest, healthy: Platform) -> None:
    dead = {**HEALTHY, "scheduler": {"status": "unhealthy", "latest_scheduler_heartbeat": BEAT}}
    healthy.more["GET", "/api/v2/monitor/health"] = lambda _request: (200, dead)
    page = texts(open_page(app))
    assert "partly running" in page
    assert "no DAG runs without this part\\: scheduler" in page


def test_background_services_have_their_state_from_prometheus(app: AppTest, healthy: Platform) -> None:
    assert "The machine: no answer" in texts(open_page(app))


def test_services_without_an_answer_have_advice(
    app: AppTest, healthy: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AIRFLOW_URL", "PROMETHEUS_URL", "LOCUST_URL"):
        monkeypatch.setenv(name, NOBODY)
    page = texts(open_page(app))
    assert page.count("not reached]") == 3
    assert "check that it is running" in page
    assert "Prometheus, which observes it, does not answer" in page


def test_an_api_without_a_model_waits_for_one(app: AppTest, healthy: Platform) -> None:
    healthy.more["GET", "/ready"] = lambda _request: (503, healthy.problem(503, "no production model yet"))
    assert "It answers, and waits for a first model" in texts(open_page(app))


def test_services_are_polled_at_once_within_a_time_limit(healthy: Platform) -> None:
    addresses = (healthy.url,) * 5
    # The first requests are answered when all of them have arrived.
    first, all_sent = threading.Semaphore(len(fields(ServicesHealth))), threading.Barrier(len(fields(ServicesHealth)))
    healthy.before_reply = lambda _path: first.acquire(blocking=False) and all_sent.wait(60)
    assert not isinstance(HealthChecker(*addresses, timeout=60).check().airflow, TimedOut)
    answers_may_follow = threading.Event()
    healthy.before_reply = lambda _path: answers_may_follow.wait()
    health_now = HealthChecker(*addresses, timeout=0.2).check()
    answers_may_follow.set()
    assert isinstance(health_now.api, TimedOut)
    assert isinstance(health_now.scraped, TimedOut)


def test_sessions_share_a_recent_poll(healthy: Platform) -> None:
    assert isinstance(health(), ServicesHealth)
    assert health() is health()


def test_with_a_model_the_page_shows_it_and_links_the_other_pages(app: AppTest, healthy: Platform) -> None:
    page = texts(open_page(app))
    assert "version 3: random\\_forest, trained 4 May 2026, 02:11 UTC" in page
    assert "AUROC on the test encounters: 0.671 (95% interval 0.659 to 0.683)." in page
    assert "Of the training encounters, 11.4% were followed by a readmission within 30 days." in page
    links = [link.proto.page for link in app.get("page_link")]
    assert links == ["", "batch", "model", "monitoring"]  # the first page of the app has no path
    assert "Get a first model" not in page


@pytest.fixture
def empty(healthy: Platform) -> Platform:
    """All services are healthy, and there is no model."""
    healthy.served = healthy.registered = None
    healthy.more["GET", "/ready"] = lambda _request: (503, healthy.problem(503, "no production model yet"))
    healthy.more["POST", "/api/v1/query"] = lambda request: (200, prometheus(request, {"api": 1}, has_data=False))
    return healthy


def test_without_a_model_the_steps_to_one_have_their_states(app: AppTest, empty: Platform) -> None:
    page = texts(open_page(app))
    assert "1. **Airflow is running** (:material/check_circle: done)" in page
    assert "2. **Data are ingested** (:material/radio_button_unchecked: still to do)" in page
    assert "http://airflow.example:8080/dags/ingest_diabetes" in page
    empty.more["POST", "/api/v1/query"] = lambda request: (200, prometheus(request, {"api": 1}))
    health.clear()
    page = texts(app.run())
    assert "2. **Data are ingested** (:material/check_circle: done)" in page
    assert "3. **A model is in production** (:material/radio_button_unchecked: still to do)" in page


def test_without_prometheus_the_state_of_the_data_is_not_known(
    app: AppTest, empty: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_URL", NOBODY)
    assert "2. **Data are ingested** (:material/help: not known)" in texts(open_page(app))


def test_without_an_operator_key_the_settings_are_named(app: AppTest, empty: Platform) -> None:
    page = texts(open_page(app))
    assert "set OPERATOR_KEY" in page
    assert not app.text_input


def unlock(app: AppTest, key: str = KEY) -> AppTest:
    app.text_input(key="home-key").input(key)
    return app.button(key="home-unlock").click().run()


@pytest.fixture
def airflow(empty: Platform, monkeypatch: pytest.MonkeyPatch) -> DagServer:
    """An Airflow that the interface may log in to."""
    server = DagServer()
    monkeypatch.setenv("OPERATOR_KEY", KEY)
    monkeypatch.setenv("AIRFLOW_INTERFACE_PASSWORD", server.password)
    monkeypatch.setattr(first_run, "POLL_SECONDS", 0.02)

    def answer(method: str) -> None:
        def reply(request: ReceivedRequest) -> Reply:
            authorisation = request.headers.get("Authorization", "")
            body = json.loads(request.body) if request.body else None
            return server.answer(method, request.path, body, authorisation)

        for dag in first_run.DAGS:
            run = f"/api/v2/dags/{dag}/dagRuns"
            for path in (f"/api/v2/dags/{dag}", run, f"{run}/run-of-{dag}", f"{run}/run-of-{dag}/taskInstances"):
                empty.more[method, path] = reply
        empty.more[method, "/auth/token"] = reply

    for method in ("GET", "POST", "PATCH"):
        answer(method)
    return server


def follow(app: AppTest) -> str:
    """Look until it has ended."""
    deadline = time.monotonic() + 20
    while "This continues when you leave the page" in texts(app) and time.monotonic() < deadline:
        time.sleep(0.02)
        app.run()
    return texts(app)


def test_a_wrong_key_starts_nothing(app: AppTest, airflow: DagServer) -> None:
    open_page(app)
    assert app.text_input(key="home-key").proto.type == app.text_input(key="home-key").proto.PASSWORD
    assert "That is not the operator key." in texts(unlock(app, "guess"))
    assert not [button for button in app.button if button.key == "first-run"]


def test_the_operator_starts_both_runs_and_sees_them_end(app: AppTest, airflow: DagServer, empty: Platform) -> None:
    unlock(open_page(app))
    app.button(key="first-run").click().run()
    page = follow(app)
    assert "Both runs succeeded" in page
    assert page.count("succeeded") == 3
    assert [dag for dag, _body in airflow.triggered] == list(first_run.DAGS)
    empty.served = empty.registered = "1"
    empty.more["GET", "/ready"] = lambda _request: (200, {"status": "ready"})
    app.button(key="home-lock").click().run()
    services.refresh()
    assert "version 1: random\\_forest" in texts(app.run())


def test_a_run_that_fails_names_the_step(app: AppTest, airflow: DagServer) -> None:
    airflow.ends = {first_run.INGEST: "failed"}
    unlock(open_page(app))
    app.button(key="first-run").click().run()
    page = follow(app)
    assert "ingest\\_diabetes failed at the task load\\_raw\\_data" in page
    assert app.button(key="first-run").label == "Start again"


def test_a_login_that_airflow_refuses_is_reported(app: AppTest, airflow: DagServer) -> None:
    airflow.password = "another"
    unlock(open_page(app))
    app.button(key="first-run").click().run()
    assert "Airflow did not accept the login of this interface" in follow(app)


def test_without_a_password_of_airflow_the_setting_is_named(
    app: AppTest, airflow: DagServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_INTERFACE_PASSWORD", "")
    unlock(open_page(app))
    assert "airflow_interface_password" in texts(app)
    assert not [button for button in app.button if button.key == "first-run"]
