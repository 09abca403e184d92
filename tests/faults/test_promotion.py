"""Good versions are promoted under load: nobody waits, and no answer mixes two versions."""

import time

from tests.faults.conftest import StartApi
from tests.faults.load import Load
from tests.faults.models import Models
from tests.faults.servers import MlflowServer
from tests.faults.watching import metric, served
from tests.integration.api.bundles import RECORDS
from tests.integration.api.conftest import eventually

PROMISED_SECONDS = 15


def test_a_promoted_version_serves_within_15_seconds_and_every_answer_is_wholly_from_one(
    mlflow: MlflowServer, models: Models, first: str, second: str, start_api: StartApi
) -> None:
    models.promote(first)
    api = start_api(mlflow.url, MODEL_POLL_SECONDS="5.0")  # as it is by default
    api.wait_until_ready()
    batches = [RECORDS * 600, RECORDS * 20]  # scored in another thread, several pieces each

    with Load(api.url, models.truth) as load, Load(api.url, models.truth, rate=4, requests=batches, threads=2) as large:
        for number in (second, first, second):
            before = load.versions[number], large.versions[number]
            models.promote(number)
            promoted = time.monotonic()
            eventually(lambda number=number: served(api) == number, seconds=PROMISED_SECONDS)
            assert time.monotonic() - promoted < PROMISED_SECONDS
            assert metric(api, "model_served_version") == metric(api, "model_registered_version") == int(number)
            eventually(lambda n=number, b=before: load.versions[n] > b[0] and large.versions[n] > b[1])

    load.assert_flawless()
    large.assert_flawless()
    assert metric(api, "model_load_failures_total") == 0
