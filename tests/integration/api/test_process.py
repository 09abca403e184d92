"""The service as a process: model swap under load, large bodies, restart, stop."""

import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import pytest

from tests.integration.api.bundles import expected, write_bundle
from tests.integration.api.conftest import eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.integration.api.process import running_api

ONE = {"records": [{}]}


def test_a_version_is_swapped_under_load_and_every_response_is_from_one_version(
    registry: RegistryServer, tmp_path: Path
) -> None:
    registry.promote("1", write_bundle(tmp_path / "1", -2.0))
    truth = {"1": expected({}, -2.0), "2": expected({}, 1.0)}
    seen: Counter[str] = Counter()
    enough = Event()

    def predict(url: str, size: int) -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while not enough.is_set():
                answer = client.post("/predict", json={"records": [{}] * size})
                assert answer.status_code == 200, answer.text
                version = answer.json()["model"]["version"]
                assert answer.json()["predictions"] == pytest.approx([truth[version]] * size, abs=1e-6)
                seen[version] += 1

    with running_api(tmp_path, registry.url) as api, ThreadPoolExecutor(3) as pool:
        api.wait_until_ready()
        requests = [pool.submit(predict, api.url, size) for size in (1, 20, 6_000)]  # the last is scored in a thread
        try:
            eventually(lambda: seen["1"] > 50)
            registry.promote("2", write_bundle(tmp_path / "2", 1.0))
            eventually(lambda: seen["2"] > 50)
        finally:
            enough.set()
        for future in requests:
            future.result()


def test_it_stops_on_sigterm_and_starts_from_its_cache(registry: RegistryServer, tmp_path: Path) -> None:
    registry.promote("1", write_bundle(tmp_path / "1"))
    with running_api(tmp_path, registry.url) as api:
        api.wait_until_ready()
        eventually((tmp_path / "cache" / "current.json").exists)
        api.process.send_signal(signal.SIGTERM)
        assert api.process.wait(10) in (0, -signal.SIGTERM)
    registry.stop()

    with running_api(tmp_path, registry.url) as restarted:
        assert restarted.client.get("/ready").status_code == 200
        assert restarted.client.post("/predict", json=ONE).json()["model"]["version"] == "1"


def test_a_body_of_100_megabytes_is_rejected_in_constant_memory(registry: RegistryServer, tmp_path: Path) -> None:
    registry.promote("1", write_bundle(tmp_path / "1"))
    headers = {"Content-Type": "application/json"}
    with running_api(tmp_path, registry.url, MAX_BODY_BYTES="1048576") as api:
        api.wait_until_ready()
        before = api.resident_bytes

        declared = api.client.post("/predict", content=b" " * 100_000_000, headers=headers)
        pieces = (b" " * 65_536 for _ in range(1_600))
        streamed = api.client.post("/predict", content=pieces, headers=headers)

        assert (declared.status_code, streamed.status_code) == (413, 413)
        assert declared.headers["content-type"] == streamed.headers["content-type"] == "application/problem+json"
        assert api.resident_bytes - before < 50_000_000
        assert api.client.post("/predict", json=ONE).status_code == 200


def test_probes_are_not_in_the_access_log(registry: RegistryServer, tmp_path: Path) -> None:
    with running_api(tmp_path, registry.url) as api:
        for path in ("/health", "/ready", "/metrics", "/model"):
            api.client.get(path)
        api.process.terminate()
        api.process.wait(10)

    log = (tmp_path / "api.log").read_text()
    assert "/model" in log
    assert not any(probe in log for probe in ("/health", "/ready", "/metrics"))
