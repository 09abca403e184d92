"""Several uvicorn workers on one port."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.api.bundles import write_bundle
from tests.integration.api.conftest import eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.integration.api.process import ApiProcess, running_api

ONE = {"records": [{}]}


@pytest.fixture
def api(registry: RegistryServer, tmp_path: Path) -> Iterator[ApiProcess]:
    registry.promote("1", write_bundle(tmp_path / "1"))
    with running_api(tmp_path, registry.url, API_WORKERS="2", TMPDIR=str(tmp_path)) as process:
        eventually(lambda: set(by_worker(process, "model_loaded").values()) == {1.0} and len(workers(process)) == 2)
        yield process
        process.process.terminate()
        process.process.wait(15)


def by_worker(api: ApiProcess, name: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(httpx.get(f"{api.url}/metrics").text):
        for sample in family.samples:
            if sample.name == name:
                found[sample.labels["worker"]] += sample.value  # type: ignore[assignment]
    return found


def workers(api: ApiProcess) -> set[str]:
    return set(by_worker(api, "model_loaded"))


def predict(api: ApiProcess, times: int) -> None:
    for _ in range(times):  # one connection each, so that both workers get requests
        assert httpx.post(f"{api.url}/predict", json=ONE).status_code == 200


def test_a_scrape_of_any_worker_has_the_predictions_of_all(api: ApiProcess) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: predict(api, 20), range(4)))

    for _ in range(6):
        counted = by_worker(api, "api_predictions_total")
        assert sum(counted.values()) == 80
    assert len(counted) == 2


def test_a_killed_worker_is_replaced_and_the_other_stays_in_service(api: ApiProcess) -> None:
    predict(api, 10)
    before = workers(api)
    killed, kept = sorted(before)

    os.kill(int(killed), signal.SIGKILL)
    eventually(lambda: len(workers(api)) == 2 and killed not in workers(api))

    assert kept in workers(api)
    eventually(lambda: set(by_worker(api, "model_loaded").values()) == {1.0})
    predict(api, 10)
