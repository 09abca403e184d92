"""PostgreSQL stops, and hangs: predictions go on without history, and the log waits, drops and counts."""

import time

import pytest

from tests.faults.conftest import StartApi
from tests.faults.durations import FAULT_SECONDS
from tests.faults.load import Load
from tests.faults.models import Models
from tests.faults.servers import Database, MlflowServer
from tests.faults.watching import metric
from tests.integration.api.bundles import EXAMPLE_RECORD
from tests.integration.api.conftest import eventually
from tests.integration.api.process import ApiProcess

QUEUE = 600
PATIENTS = [[EXAMPLE_RECORD | {"patient_nbr": number}] for number in range(1, 5_000)]
"""Of whom the database knows nothing; each is asked for once, so no memory of the service helps."""


@pytest.fixture
def api(mlflow: MlflowServer, models: Models, first: str, database: Database, start_api: StartApi) -> ApiProcess:
    """The service with its log, whose queue is short."""
    models.promote(first)
    api = start_api(mlflow.url, **database.environment, PREDICTION_LOG_QUEUE=str(QUEUE))
    api.wait_until_ready()
    return api


def test_postgresql_away_costs_no_prediction_and_the_log_is_bounded_counted_and_recovers(
    api: ApiProcess, models: Models, database: Database
) -> None:
    with Load(api.url, models.truth) as load, Load(api.url, models.truth, rate=20, requests=PATIENTS) as patients:
        eventually(lambda: metric(api, "prediction_log_written_total") > 0)
        eventually(lambda: patients.history["unknown"] > 0)
        assert metric(api, "prediction_log_dropped_total") == 0

        database.stop()
        stopped = time.monotonic()
        while time.monotonic() - stopped < FAULT_SECONDS:
            assert metric(api, "prediction_log_queue_length") <= QUEUE
            time.sleep(0.2)
        assert metric(api, "prediction_log_dropped_total") > 0
        assert patients.history["unavailable"] > 0

        written = metric(api, "prediction_log_written_total")
        database.start()
        eventually(lambda: metric(api, "prediction_log_written_total") > written + QUEUE, seconds=60)
        dropped = metric(api, "prediction_log_dropped_total")
        known = patients.history["unknown"]
        eventually(lambda: patients.history["unknown"] > known)
        assert metric(api, "prediction_log_dropped_total") == dropped

    for one in (load, patients):
        one.assert_flawless()
        assert one.percentile(0.99) < 1
    assert_all_are_accounted_for(api, database)


def test_postgresql_that_hangs_costs_no_prediction(api: ApiProcess, models: Models, database: Database) -> None:
    with Load(api.url, models.truth) as load, Load(api.url, models.truth, rate=20, requests=PATIENTS) as patients:
        eventually(lambda: metric(api, "prediction_log_written_total") > 0)
        with database.frozen():
            time.sleep(FAULT_SECONDS / 2)
            assert metric(api, "prediction_log_queue_length") <= QUEUE
            assert patients.history["unavailable"] > 0
        written = metric(api, "prediction_log_written_total")
        eventually(lambda: metric(api, "prediction_log_written_total") > written + QUEUE, seconds=60)

    for one in (load, patients):
        one.assert_flawless()
        assert one.percentile(0.99) < 1
    assert_all_are_accounted_for(api, database)


def assert_all_are_accounted_for(api: ApiProcess, database: Database) -> None:
    """Every prediction was written, or counted as dropped."""
    eventually(lambda: metric(api, "prediction_log_queue_length") == 0)
    written, dropped = (metric(api, f"prediction_log_{what}_total") for what in ("written", "dropped"))
    assert written + dropped == metric(api, "api_predictions_total")
