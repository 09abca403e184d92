"""Memory stays flat under mixed load."""

import statistics
import time

from tests.faults.conftest import StartApi
from tests.faults.durations import SOAK_SECONDS
from tests.faults.load import Load
from tests.faults.models import Models
from tests.faults.servers import Database, MlflowServer
from tests.faults.watching import resident_bytes
from tests.integration.api.bundles import EXAMPLE_RECORD, RECORDS

PATIENTS = [[EXAMPLE_RECORD | {"patient_nbr": number}] for number in range(1, 20_000)]
GROWTH_BYTES = 10_000_000


def test_memory_is_flat_while_requests_of_all_kinds_are_answered(
    mlflow: MlflowServer, models: Models, first: str, database: Database, start_api: StartApi
) -> None:
    models.promote(first)
    api = start_api(mlflow.url, **database.environment, MODEL_POLL_SECONDS="0.5")
    api.wait_until_ready()
    resident: list[int] = []

    with (
        Load(api.url, models.truth, rate=400) as load,
        Load(api.url, models.truth, rate=3, requests=[RECORDS * 1_000], threads=1) as large,
        Load(api.url, models.truth, rate=30, requests=PATIENTS, threads=2) as patients,
    ):
        until = time.monotonic() + SOAK_SECONDS
        while time.monotonic() < until:
            resident.append(resident_bytes(api))
            api.client.get("/metrics")
            time.sleep(0.25)

    for one in (load, large, patients):
        one.assert_flawless()
    third = len(resident) // 3
    growth = statistics.median(resident[2 * third :]) - statistics.median(resident[third : 2 * third])
    assert growth < GROWTH_BYTES, f"{growth / 1e6:.1f} MB more in a third of the time"
