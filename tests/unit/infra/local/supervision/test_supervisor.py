import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from infra.local.programs.program import Program
from infra.local.settings import Places
from infra.local.supervision.supervisor import MARK, Supervisor
from infra.secrets.generate import generate

SPEAKER = "import os, time; print('password is', os.environ['DOOR'], flush=True); time.sleep(600)"


def speaker(**changes: object) -> Program:
    program = Program(
        name="speaker",
        command=[sys.executable, "-c", SPEAKER],
        is_ready=lambda _started_at: True,
        environment={"DISCOUNT": "100% off; really"},
        secret_environment={"DOOR": "open with {postgres_password}"},
    )
    return replace(program, **changes)  # type: ignore[arg-type]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    places = Places(tmp_path / "a place with blanks" / ".local")
    places.create()
    generate(places.secrets)
    return places


@pytest.fixture
def supervisor(places: Places) -> Iterator[Supervisor]:
    supervisor = Supervisor(places)
    supervisor.configure([speaker()])
    supervisor.launch({})
    supervisor.start("speaker")
    yield supervisor
    if supervisor.running:
        supervisor.shut_down()


def said(places: Places) -> str:
    log, deadline = places.logs / "speaker.log", time.monotonic() + 10
    while not (log.exists() and log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return log.read_text()


def test_a_program_gets_its_secret_though_no_configuration_holds_it(supervisor: Supervisor, places: Places) -> None:
    secret = (places.secrets / "postgres_password").read_text()
    assert said(places) == f"password is open with {secret}\n"
    written = places.supervisor_config.read_text() + (places.run / "speaker.json").read_text()
    assert secret not in written
    command_lines = [" ".join(process.cmdline()) for process in supervisor.processes()]
    assert not any(secret in line for line in command_lines)


def test_configuring_the_same_again_leaves_the_process_alone(supervisor: Supervisor) -> None:
    before = supervisor.states()["speaker"].pid
    supervisor.configure([speaker()])
    supervisor.start("speaker")
    assert supervisor.states()["speaker"].pid == before


def test_a_program_with_changed_settings_is_started_anew(supervisor: Supervisor) -> None:
    before = supervisor.states()["speaker"].pid
    supervisor.configure([speaker(environment={"DISCOUNT": "none"})])
    supervisor.start("speaker")
    assert supervisor.states()["speaker"].pid not in (before, 0)


def test_stopping_ends_the_program_and_keeps_the_supervisor(supervisor: Supervisor) -> None:
    supervisor.stop(["speaker"])
    assert supervisor.running
    assert not supervisor.states()["speaker"].running


def test_shutting_down_ends_every_process(supervisor: Supervisor) -> None:
    processes = supervisor.processes()
    assert len(processes) == 2
    supervisor.shut_down()
    assert not any(process.is_running() for process in processes)
    assert supervisor.states() == {}


def test_what_outlives_a_killed_supervisor_is_found_by_its_mark(supervisor: Supervisor, places: Places) -> None:
    said(places)  # the program is what it will be, its environment included
    root, child = supervisor.processes()
    assert child.environ()[MARK] == str(places.home)
    root.kill()
    root.wait(10)
    orphans = supervisor.orphans()
    assert [process.pid for process in orphans] == [child.pid]
    child.kill()
    psutil.wait_procs([child], timeout=10)


def test_a_socket_path_that_is_too_long_moves_to_a_private_short_place(tmp_path: Path) -> None:
    places = Places(tmp_path / ("long" * 30))
    assert len(str(places.socket)) < 90
    assert places.socket.parent.stat().st_mode & 0o077 == 0
    places.socket.parent.rmdir()
