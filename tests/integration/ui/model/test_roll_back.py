"""Rollback to another version, against the contract of MLflow and Airflow over real HTTP."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Platform, ReceivedRequest
from tests.integration.ui.model.page import NOBODY, open_page, page_text
from tests.integration.ui.registry import FakeRegistry
from ui.clients.airflow import DagRun
from ui.model.roll_back import REQUEST, RollbackRequest

KEY = "the operator's key"


def test_without_an_operator_key_there_is_no_rollback(app: AppTest, registry: FakeRegistry) -> None:
    assert "set OPERATOR_KEY" in page_text(open_page(app, "roll-back"))
    assert not [button for button in app.button if button.key == "roll-back"]


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPERATOR_KEY", KEY)


def unlocked(app: AppTest) -> AppTest:
    open_page(app, "roll-back")
    app.text_input(key="roll-back-key").input(KEY)
    return app.button(key="roll-back-unlock").click().run()


@pytest.mark.usefixtures("operator")
def test_the_version_that_production_replaced_is_proposed(app: AppTest, registry: FakeRegistry) -> None:
    unlocked(app)
    assert app.selectbox(key="roll-back-to").value == "2"
    assert "1 (RandomForest, withdrawn)" in app.selectbox(key="roll-back-to").options


@pytest.mark.usefixtures("operator")
def test_a_rollback_needs_a_confirmation(app: AppTest, registry: FakeRegistry) -> None:
    unlocked(app)
    app.button(key="roll-back").click().run()
    assert not app.exception
    assert "from version **3** to version **2**" in "\n".join(one.value for one in app.markdown)
    assert app.text_input(key="roll-back-typed").label == "Type 2 to confirm"


def dialog() -> None:
    from ui.model import roll_back

    roll_back.confirm("3", "2")


@pytest.fixture
def started(platform: Platform) -> list[ReceivedRequest]:
    """Requests to Airflow to start a run."""
    found: list[ReceivedRequest] = []

    def start(request: ReceivedRequest) -> tuple[int, object]:
        found.append(request)
        return 200, {"dag_id": "roll_back_model", "dag_run_id": "manual 1", "state": "queued"}

    platform.more |= {
        ("POST", "/auth/token"): lambda _: (201, {"access_token": "token"}),
        ("PATCH", "/api/v2/dags/roll_back_model"): lambda _: (200, {}),
        ("POST", "/api/v2/dags/roll_back_model/dagRuns"): start,
    }
    return found


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize(
    ("is_unlocked", "name", "typed", "message"),
    [
        (True, "R. Diaz", "3", "The number differs: type 2."),
        (True, " ", "2", "Fill in: Who decides."),
        (False, "R. Diaz", "2", "The operator key is locked again: enter it first."),
    ],
)
def test_with_a_wrong_number_without_a_name_or_a_locked_key_nothing_starts(
    started: list[ReceivedRequest], is_unlocked: bool, name: str, typed: str, message: str
) -> None:
    app = AppTest.from_function(dialog, default_timeout=30)
    app.session_state["operator-unlocked"] = is_unlocked
    app.run()
    app.text_input(key="roll-back-name").input(name)
    app.text_input(key="roll-back-typed").input(typed)
    app.button(key="roll-back-now").click().run()
    assert app.error[0].value == message
    assert started == []


@pytest.mark.usefixtures("operator")
def test_a_confirmed_rollback_starts_the_pipeline_with_version_and_reason(started: list[ReceivedRequest]) -> None:
    app = AppTest.from_function(dialog, default_timeout=30)
    app.session_state["operator-unlocked"] = True
    app.run()
    app.text_input(key="roll-back-name").input("R. Diaz")
    app.text_input(key="roll-back-reason").input("risks are too high")
    app.text_input(key="roll-back-typed").input("2")
    app.button(key="roll-back-now").click().run()
    assert not app.exception
    assert [one.json()["conf"] for one in started] == [{"to": "2", "actor": "R. Diaz", "reason": "risks are too high"}]
    assert app.session_state[REQUEST].run.dag_run_id == "manual 1"


def after_a_request(app: AppTest, platform: Platform, state: str) -> str:
    """The page after a request to roll back to version 2, whose run is in a state."""
    run = {"dag_id": "roll_back_model", "dag_run_id": "manual 1", "state": state}
    platform.more |= {
        ("POST", "/auth/token"): lambda _: (201, {"access_token": "token"}),
        ("GET", "/api/v2/dags/roll_back_model/dagRuns/manual 1"): lambda _: (200, run),
        ("GET", "/api/v2/dags/roll_back_model/dagRuns/manual%201"): lambda _: (200, run),
    }
    app.session_state[REQUEST] = RollbackRequest("2", "3", DagRun.model_validate(run | {"state": "queued"}))
    return page_text(open_page(app, "roll-back"))


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("queued", "Rolling back to version 2: waiting in Airflow."),
        ("running", "Rolling back to version 2: in progress."),
        ("success", "Production is version 2 again, and version 3 is withdrawn."),
        ("failed", "The rollback to version 2 failed"),
    ],
)
def test_the_run_is_followed_to_its_outcome(
    app: AppTest, platform: Platform, registry: FakeRegistry, state: str, text: str
) -> None:
    assert text in after_a_request(app, platform, state)
    urls = [link.proto.url for link in app.get("link_button")]
    assert any(url.startswith("http://airflow.example:8080/dags/roll_back_model/runs/manual") for url in urls)


def test_an_outcome_can_be_dismissed(app: AppTest, platform: Platform, registry: FakeRegistry) -> None:
    after_a_request(app, platform, "success")
    app.button(key="roll-back-dismiss").click().run()
    assert "is withdrawn." not in page_text(app)


def test_without_airflow_the_request_is_kept(
    app: AppTest, platform: Platform, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_URL", NOBODY)
    assert f"Airflow cannot be reached at {NOBODY.removeprefix('http://')}" in after_a_request(app, platform, "running")
    assert REQUEST in app.session_state
