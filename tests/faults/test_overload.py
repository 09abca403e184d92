"""Three times as much is asked as the service can do."""

import time

from tests.faults.conftest import StartApi
from tests.faults.load import Load
from tests.faults.models import Models
from tests.faults.servers import MlflowServer
from tests.faults.watching import metric, peak_bytes
from tests.integration.api.bundles import RECORDS
from tests.integration.api.conftest import eventually

BATCHES = [RECORDS * 200]
PLACES = 8
RECOVERY_SECONDS = 30


def test_three_times_capacity_is_refused_with_a_time_to_come_back_and_the_admitted_are_answered(
    mlflow: MlflowServer, models: Models, first: str, start_api: StartApi
) -> None:
    models.promote(first)
    api = start_api(mlflow.url, MAX_IN_FLIGHT=str(PLACES))
    api.wait_until_ready()
    with Load(api.url, models.truth, rate=1_000, requests=BATCHES, threads=PLACES - 1) as full:
        time.sleep(6)
    full.assert_flawless()
    capacity, memory = len(full.answered) / 6, peak_bytes(api)

    with Load(api.url, models.truth, rate=4 * capacity, requests=BATCHES, threads=5 * PLACES) as load:
        time.sleep(8)
        assert metric(api, "api_requests_in_flight") <= PLACES + 1  # this question is one
        assert api.client.get("/ready").status_code == 200

    assert load.failed == {}
    assert load.wrong == {}
    assert len(load.shed) > 2 * len(load.answered)
    assert metric(api, "api_requests_shed_total") == len(load.shed)
    assert len(load.answered) / 8 > capacity / 3
    assert load.percentile(0.99) < max(1, 5 * full.percentile(0.99))
    assert peak_bytes(api) - memory < 100_000_000

    over = time.monotonic()
    with Load(api.url, models.truth) as after:
        eventually(lambda: len(after.answered) > 50, seconds=RECOVERY_SECONDS)
    assert time.monotonic() - over < RECOVERY_SECONDS
    after.assert_flawless()
