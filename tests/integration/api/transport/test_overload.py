"""Overload, incomplete bodies, and large batches beside single records, with a real process."""

import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Event

import httpx
import psutil
import pytest

from tests.integration.api.bundles import expected, write_bundle
from tests.integration.api.conftest import eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.integration.api.process import ApiProcess, running_api

Start = Callable[..., ApiProcess]

ONE = {"records": [{}]}
LARGE = {
    "records": [{"gender": "Female", "number_inpatient": index % 50, "race": "Caucasian"} for index in range(8_000)]
}


@pytest.fixture
def start(registry: RegistryServer, tmp_path: Path) -> Iterator[Start]:
    """Starts the service, with a model, under the given settings."""
    registry.promote("1", write_bundle(tmp_path / "1", -2.0))
    with ExitStack() as stack:

        def started(**settings: str) -> ApiProcess:
            api = stack.enter_context(running_api(tmp_path, registry.url, **settings))
            api.wait_until_ready()
            return api

        yield started


def begin(api: ApiProcess, announced: int = 1000, sent: bytes = b"{") -> socket.socket:
    """Open a request whose body does not come to its end."""
    host, port = httpx.URL(api.url).host, httpx.URL(api.url).port
    connection = socket.create_connection((host, port or 80), timeout=30)
    head = (
        f"POST /predict HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\nContent-Length: {announced}\r\n\r\n"
    )
    connection.sendall(head.encode() + sent)
    return connection


def first_answer(connection: socket.socket) -> bytes:
    """What comes within half a second."""
    with closing(connection):
        connection.settimeout(0.5)
        try:
            return connection.recv(65_536)
        except TimeoutError:
            return b""


def metric(api: ApiProcess, series: str) -> float:
    lines = api.client.get("/metrics").text.splitlines()
    (line,) = (line for line in lines if line.startswith(f"{series} "))
    return float(line.rpartition(" ")[2])


def shed(api: ApiProcess, reason: str) -> float:
    return metric(api, f'api_requests_shed_total{{reason="{reason}"}}')


def in_flight(api: ApiProcess) -> float:
    """Requests that are being answered, apart from the one that asks."""
    return metric(api, "api_requests_in_flight") - 1


def assert_overloaded(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("overloaded")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_silent_and_a_dripping_body_time_out_and_their_connections_are_closed(start: Start) -> None:
    api = start(BODY_TIMEOUT_SECONDS="0.5")
    with closing(begin(api)) as silent, closing(begin(api)) as dripping:
        began = time.monotonic()
        for _ in range(8):
            time.sleep(0.1)
            try:
                dripping.sendall(b" ")
            except OSError:
                break
        answers = [b"".join(iter(lambda c=c: c.recv(65_536), b"")) for c in (silent, dripping)]

    assert time.monotonic() - began < 10
    for answer, setting in zip(answers, (b"(BODY_TIMEOUT_SECONDS)", b"(BODY_MIN_BYTES_PER_SECOND)"), strict=True):
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"application/problem+json" in answer
        assert setting in answer
    assert api.client.post("/predict", json=ONE).status_code == 200


def test_a_slow_but_steady_upload_is_scored(start: Start) -> None:
    api = start(BODY_TIMEOUT_SECONDS="0.5")
    body = json.dumps(ONE).encode().rjust(15_000)
    with closing(begin(api, len(body), b"")) as connection:
        for position in range(0, len(body), 1_000):
            connection.sendall(body[position : position + 1_000])
            time.sleep(0.1)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_requests_above_the_limit_are_shed_while_probes_are_answered(start: Start) -> None:
    api = start(MAX_IN_FLIGHT="2")
    with closing(begin(api)), closing(begin(api)):
        eventually(lambda: in_flight(api) == 2)

        assert_overloaded(api.client.post("/predict", json=ONE))
        assert [api.client.get(path).status_code for path in ("/health", "/ready", "/metrics")] == [200] * 3
        assert shed(api, "requests") == 1
    eventually(lambda: api.client.post("/predict", json=ONE).status_code == 200, seconds=5)


def test_bodies_above_the_byte_limit_are_shed_before_they_are_sent(start: Start) -> None:
    api = start(MAX_IN_FLIGHT_BYTES="100000", MAX_BODY_BYTES="100000")
    with closing(begin(api, 90_000, b" " * 60_000)):
        eventually(lambda: first_answer(begin(api, 50_000, b"")).startswith(b"HTTP/1.1 503 "))
        assert api.client.post("/predict", json=ONE).status_code == 200
    assert shed(api, "bytes") == 1


def test_a_body_that_is_too_large_is_refused_as_such_under_load_too(start: Start) -> None:
    api = start(MAX_IN_FLIGHT_BYTES="100000", MAX_BODY_BYTES="100000")
    with closing(begin(api, 90_000, b" " * 60_000)):
        eventually(lambda: first_answer(begin(api, 50_000, b"")).startswith(b"HTTP/1.1 503 "))
        assert first_answer(begin(api, 100_001, b"")).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("seconds", ["0", "60"])
def test_large_batches_above_the_limit_wait_or_are_shed_while_single_records_are_scored(
    start: Start, seconds: str
) -> None:
    api = start(MAX_LARGE_BATCHES="1", LARGE_BATCH_WAIT_SECONDS=seconds)
    body = json.dumps(LARGE).encode()
    headers = {"Content-Type": "application/json"}
    enough = Event()
    singles: Counter[int] = Counter()

    def predict_single() -> None:
        with httpx.Client(base_url=api.url, timeout=30) as client:
            while not enough.is_set():
                singles[client.post("/predict", json=ONE).status_code] += 1

    def predict_large() -> httpx.Response:
        with httpx.Client(base_url=api.url, timeout=60) as client:
            return client.post("/predict", content=body, headers=headers)

    with ThreadPoolExecutor(5) as pool:
        asking = pool.submit(predict_single)
        answers = [future.result() for future in [pool.submit(predict_large) for _ in range(4)]]
        enough.set()
        asking.result()

    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == ({200} if float(seconds) else {200, 503})
    assert set(singles) == {200}
    for answer in answers:
        if answer.status_code == 503:
            assert_overloaded(answer)
        else:
            right = [expected(record, -2.0) for record in LARGE["records"]]
            assert answer.json()["predictions"] == pytest.approx(right, abs=1e-6)
    assert predict_large().status_code == 200
    assert shed(api, "large_batches") == statuses[503]


def test_a_killed_worker_is_replaced_and_the_worker_ends_with_the_service(start: Start) -> None:
    api = start()
    assert not psutil.Process(api.process.pid).children()
    assert api.client.post("/predict", json=LARGE).status_code == 200
    (worker,) = psutil.Process(api.process.pid).children()

    worker.kill()
    eventually(lambda: worker.status() == psutil.STATUS_ZOMBIE)
    assert api.client.post("/predict", json=LARGE).status_code == 200
    (another,) = psutil.Process(api.process.pid).children()
    assert another != worker
    api.process.kill()

    eventually(lambda: not another.is_running() or another.status() == psutil.STATUS_ZOMBIE)


def test_an_invalid_large_batch_is_rejected_like_a_small_one_and_the_next_is_scored(start: Start) -> None:
    api = start()
    wrong = {"records": [*LARGE["records"], {"age": "old"}]}

    refused = api.client.post("/predict", json=wrong)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["record"] == len(LARGE["records"])
    assert refused.json()["errors"][0]["field"] == "age"
    assert api.client.post("/predict", json=LARGE).status_code == 200
