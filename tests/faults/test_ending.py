"""The service is told to end, or is killed, under load."""

import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from infra.local.programs.services import service_programs
from infra.local.provisioning import prepare_secrets
from infra.local.settings import StackSettings
from infra.local.supervision.probes import free_port
from infra.local.supervision.supervisor import Supervisor
from tests.faults.conftest import StartApi
from tests.faults.load import Load
from tests.faults.models import Models
from tests.faults.servers import Database, MlflowServer
from tests.integration.api.bundles import RECORDS, expected
from tests.integration.api.conftest import eventually

GRACE_SECONDS = 10
REPLACED_SECONDS = 10
CLOSED = {"ConnectionRefusedError:", "ConnectionResetError:", "RemoteDisconnected:", "BrokenPipeError:"}
"""How a client learns that nobody takes its request any more."""
BODY = b'{"records": [{"gender": "Female"}]}'


def test_told_to_end_it_answers_every_request_that_it_has_begun_to_read(
    mlflow: MlflowServer, models: Models, first: str, database: Database, start_api: StartApi
) -> None:
    models.promote(first)
    api = start_api(mlflow.url, **database.environment)
    api.wait_until_ready()
    batches = [RECORDS * 1_000]
    with Load(api.url, models.truth) as load, Load(api.url, models.truth, rate=50, requests=batches) as large:
        eventually(lambda: len(load.answered) > 100 and len(large.answered) > 3)
        with _half_sent(api.url) as half:
            api.process.send_signal(signal.SIGTERM)
            told = time.monotonic()
            time.sleep(0.5)
            half.sendall(BODY[10:])
            received = b"".join(iter(lambda: half.recv(65_536), b""))
        assert api.process.wait(GRACE_SECONDS) in (0, -signal.SIGTERM)
        assert time.monotonic() - told < GRACE_SECONDS

    assert received.startswith(b"HTTP/1.1 200 ")
    assert str(expected({"gender": "Female"}, models.truth[first]))[:8].encode() in received
    for one in (load, large):
        assert one.wrong == {}
        assert {reason.split()[0] for reason in one.failed.values()} <= CLOSED
    # What was scored is in the log, and whoever was scored has the answer: no request was taken and then let down.
    logged = set(database.column("SELECT DISTINCT request_id FROM predictions"))
    assert logged >= load.answered | large.answered
    assert logged & {*load.failed, *large.failed} == set()


@pytest.fixture
def supervised(
    mlflow: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Supervisor, str]]:
    """The native stack's own supervisor with the API as its only program, and the API's address."""
    monkeypatch.setenv("POSTGRES_PORT", "9")  # nobody answers there
    port = urlsplit(mlflow.url).port
    settings = StackSettings.load(_env_file=None, local_dir=tmp_path, api_port=free_port(), mlflow_port=port)
    settings.paths.create()
    prepare_secrets(settings)
    (program,) = (program for program in service_programs(settings) if program.name == "api")
    supervisor = Supervisor(settings.paths)
    supervisor.configure([program])
    supervisor.launch({})
    supervisor.start("api")
    yield supervisor, settings.url(settings.api_port)
    supervisor.shut_down()


def test_killed_it_is_replaced_within_10_seconds(
    supervised: tuple[Supervisor, str], models: Models, first: str
) -> None:
    supervisor, url = supervised
    models.promote(first)
    eventually(lambda: _ready(url), seconds=60)

    with Load(url, models.truth) as load:
        eventually(lambda: len(load.answered) > 100)
        before = supervisor.states()["api"].pid
        psutil.Process(before).kill()
        killed = time.monotonic()
        eventually(lambda: _ready(url), seconds=REPLACED_SECONDS)
        replaced = time.monotonic() - killed
        answered = len(load.answered)
        eventually(lambda: len(load.answered) > answered + 100)
        failures = len(load.failed)
        time.sleep(1)
        assert len(load.failed) == failures

    assert supervisor.states()["api"].pid != before
    assert load.wrong == {}
    assert replaced < REPLACED_SECONDS


def _half_sent(url: str) -> socket.socket:
    """A connection on which a request was sent up to the middle of its body."""
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname, address.port), timeout=30)
    head = f"POST /predict HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
    connection.sendall(f"{head}X-Request-ID: half\r\n\r\n".encode() + BODY[:10])
    return connection


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready", timeout=2).status_code == 200
    except httpx.TransportError:
        return False
