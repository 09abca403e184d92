"""GET /monitoring with a real PostgreSQL, filled by the steps of a monitoring run and the ledger."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from ml.core.settings import MlSettings
from ml.monitoring.drift import Finding, Kind, State
from ml.monitoring.findings import MonitoringRun, save_run
from ml.monitoring.quality import measure_quality
from ml.promotion.ledger import Action, Ledger
from tests.integration.api.conftest import StartApi
from tests.integration.api.storage.databases import migrate
from tests.integration.ml.monitoring.prediction_log import KEY, NOW, days_ago, log_predictions, report_outcomes


@pytest.fixture
def engine(postgres_url: str) -> sa.Engine:
    migrate(postgres_url)
    return sa.create_engine(postgres_url, poolclass=sa.NullPool)


@pytest.fixture
def start(start_api: StartApi, database_settings: dict[str, str]) -> Callable[..., TestClient]:
    """Starts the service without a model."""
    return lambda **more: start_api(**(database_settings | more))


def monitored(engine: sa.Engine) -> None:
    """A monitoring run with a test in drift, and quality of 300 predictions with outcomes."""
    findings = [
        Finding(Kind.VALUE, "race", State.DRIFT, 300, 0.3, 0.1, 0.001),
        Finding(Kind.SCORE, "probability", State.NOT_ENOUGH_DATA, 3, None, None, None),
    ]
    run = MonitoringRun(0, "1", "d1", days_ago(50), NOW, 300, State.DRIFT, findings, {"notes": []})
    log_predictions(engine, *({"probability": (number % 10) / 10 + 0.05} for number in range(300)))
    report_outcomes(engine, *((f"r-{number}", number % 10 >= number // 30) for number in range(300)))
    settings = MlSettings.load(
        _env_file=None, bootstrap_samples=50, prediction_log_key=KEY, diabetes_db_password="unused"
    )
    measure_quality(engine, save_run(engine, run).run_id, settings)
    ledger = Ledger(engine)
    ledger.complete(ledger.add(Action.PROMOTED, "1", None, actor="Ana", reason="the first version", rule="first"))
    ledger.add(Action.REFUSED, "2", "1", actor="Ana", reason="it equals version 1", rule="nothing_new")


def test_runs_and_decisions_are_answered_without_a_model(engine: sa.Engine, start: Callable[..., TestClient]) -> None:
    monitored(engine)

    found: Any = start().get("/monitoring").raise_for_status().json()

    assert (found["run"]["state"], found["run"]["predictions"]) == ("drift", 300)
    drift = {(one["kind"], one["feature"]): one for one in found["drift"]}
    assert drift["value", "race"]["distance"] == 0.3
    assert drift["score", "probability"]["threshold"] is None
    auroc = next(one for one in found["quality"] if (one["subgroup"], one["metric"]) == ("all", "auroc"))
    assert auroc["low"] < auroc["value"] < auroc["high"]
    assert (auroc["records"], auroc["coverage"], auroc["estimated"]) == (300, 1.0, False)
    newest, first = found["decisions"]
    assert (newest["action"], newest["rule"], newest["completed_at"]) == ("refused", "nothing_new", None)
    assert first["actor"] == "Ana"
    assert "figures" not in first


def test_before_the_first_run_the_answer_is_empty(engine: sa.Engine, start: Callable[..., TestClient]) -> None:
    found = start().get("/monitoring").raise_for_status().json()
    assert found == {"run": None, "drift": [], "quality": [], "decisions": []}


def test_without_postgresql_it_is_a_503_that_says_so(start_api: StartApi) -> None:
    answer = start_api(postgres_port=9).get("/monitoring")
    assert answer.status_code == 503
    assert answer.json()["type"].endswith(":no-database")
    assert answer.headers["Retry-After"]
