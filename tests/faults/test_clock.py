"""The clock of the service's machine is an hour wrong: predictions, versions, the log and outcomes go on."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.conftest import StartApi
from tests.faults.load import Load
from tests.faults.models import Models
from tests.faults.servers import Database, MlflowServer
from tests.faults.test_postgres_away import assert_all_are_accounted_for
from tests.faults.watching import metric, served
from tests.integration.api.conftest import eventually
from tests.support.wrong_clock import wrong_clock

HOUR = 3600
AHEAD = "SELECT extract(epoch FROM predicted_at - clock_timestamp())::float8 FROM predictions WHERE request_id = '{}'"
"""Seconds by which a prediction is dated after the clock of PostgreSQL."""


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_a_clock_that_is_an_hour_wrong_costs_no_prediction_no_promotion_and_no_outcome(
    mlflow: MlflowServer,
    models: Models,
    first: str,
    second: str,
    database: Database,
    start_api: StartApi,
    tmp_path: Path,
    seconds: int,
) -> None:
    models.promote(first)
    settings = database.environment | wrong_clock(tmp_path, seconds) | {"MODEL_POLL_SECONDS": "1"}
    api = start_api(mlflow.url, **settings)
    api.wait_until_ready()  # though the version was approved in the future, or an hour before it was registered
    with Load(api.url, models.truth) as load:
        models.promote(second)
        eventually(lambda: served(api) == second, seconds=15)
        eventually(lambda: metric(api, "prediction_log_written_total") > 0)

        request = api.client.post("/predict", json={"records": [{}]}).json()["request_id"]
        eventually(lambda: len(database.column(AHEAD.format(request))) == 1)
        assert database.column(AHEAD.format(request))[0] == pytest.approx(seconds, abs=HOUR / 2)
        outcome = {
            "request_id": request,
            "readmitted_within_30_days": True,
            "known_on": f"{datetime.now(UTC):%Y-%m-%d}",
        }
        answer = api.client.post("/feedback", json={"outcomes": [outcome]})
        assert answer.status_code == 200, answer.text
        assert [one["status"] for one in answer.json()["outcomes"]] == ["recorded"]
    load.assert_flawless()
    assert_all_are_accounted_for(api, database)
