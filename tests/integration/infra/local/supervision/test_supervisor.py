import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from infra.local.programs.program import Program
from infra.local.settings import StackPaths
from infra.local.supervision.supervisor import STACK_VARIABLE, Supervisor
from infra.secrets.generate import generate
from infra.secrets.rotate import rotate_secret

PRINTER = "import os, time; print('password is', os.environ['LOGIN'], flush=True); time.sleep(600)"


def printer(**changes: object) -> Program:
    program = Program(
        name="printer",
        command=[sys.executable, "-c", PRINTER],
        is_ready=lambda _started_at: True,
        environment={"DISCOUNT": "100% off; really"},
        secret_environment={"LOGIN": "postgres with {postgres_password}"},
    )
    return replace(program, **changes)  # type: ignore[arg-type]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackPaths:
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    paths = StackPaths(tmp_path / "a folder with spaces" / ".local")
    paths.create()
    generate(paths.secrets)
    return paths


@pytest.fixture
def supervisor(paths: StackPaths) -> Iterator[Supervisor]:
    supervisor = Supervisor(paths)
    supervisor.configure([printer()])
    supervisor.launch({})
    supervisor.start("printer")
    yield supervisor
    if supervisor.running:
        supervisor.shut_down()


def log_text(paths: StackPaths) -> str:
    log = paths.logs / "printer.log"
    wait_until(lambda: log.exists() and bool(log.read_text()))
    return log.read_text()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_program_gets_its_secret_but_no_configuration_contains_it(supervisor: Supervisor, paths: StackPaths) -> None:
    secret = (paths.secrets / "postgres_password").read_text()
    assert log_text(paths) == f"password is postgres with {secret}\n"
    written = paths.supervisor_config.read_text() + (paths.run / "printer.json").read_text()
    assert secret not in written
    command_lines = [" ".join(process.cmdline()) for process in supervisor.processes()]
    assert not any(secret in line for line in command_lines)


def test_an_unchanged_configuration_leaves_the_process_running(supervisor: Supervisor) -> None:
    before = supervisor.states()["printer"].pid
    supervisor.configure([printer()])
    supervisor.start("printer")
    assert supervisor.states()["printer"].pid == before


def test_a_program_with_changed_settings_is_restarted(supervisor: Supervisor) -> None:
    before = supervisor.states()["printer"].pid
    assert supervisor.changes([printer()]) == {}
    changed = printer(environment={"DISCOUNT": "none"})
    assert supervisor.changes([changed, replace(changed, name="new")]) == {("DISCOUNT",): ["printer"]}
    supervisor.configure([changed])
    supervisor.start("printer")
    assert supervisor.states()["printer"].pid not in (before, 0)
    assert supervisor.changes([changed]) == {}


def test_a_program_whose_secret_was_rotated_is_restarted_with_the_new_one(
    supervisor: Supervisor, paths: StackPaths
) -> None:
    log_text(paths)
    rotate_secret(paths.secrets, "postgres_password")
    assert supervisor.changes([printer()]) == {("postgres_password",): ["printer"]}
    supervisor.configure([printer()])
    supervisor.start("printer")
    secret = paths.read_secret("postgres_password")
    wait_until(lambda: log_text(paths).endswith(f"password is postgres with {secret}\n"))
    assert secret not in (paths.run / "printer.json").read_text()


def test_the_ports_of_a_running_program_are_held_also_when_its_setting_has_changed(supervisor: Supervisor) -> None:
    supervisor.configure([printer(ports={"API_PORT": 8000})])
    supervisor.start("printer")
    assert supervisor.held_ports([printer(ports={"API_PORT": 8001})]) == {8000}
    supervisor.stop(["printer"])
    assert supervisor.held_ports([printer(ports={"API_PORT": 8001})]) == set()


def test_stopping_a_program_leaves_the_supervisor_running(supervisor: Supervisor) -> None:
    supervisor.stop(["printer"])
    assert supervisor.running
    assert not supervisor.states()["printer"].running


def test_shutting_down_stops_every_process(supervisor: Supervisor) -> None:
    processes = supervisor.processes()
    assert len(processes) == 2
    supervisor.shut_down()
    assert not any(process.is_running() for process in processes)
    assert supervisor.states() == {}


def test_processes_that_outlive_a_killed_supervisor_are_found(supervisor: Supervisor, paths: StackPaths) -> None:
    log_text(paths)  # the program has started
    root, child = supervisor.processes()
    assert child.environ()[STACK_VARIABLE] == str(paths.home)
    root.kill()
    root.wait(10)
    orphans = supervisor.orphans()
    assert [process.pid for process in orphans] == [child.pid]
    child.kill()
    psutil.wait_procs([child], timeout=10)


def test_a_program_that_a_killed_command_is_stopping_gets_its_new_settings(supervisor: Supervisor) -> None:
    supervisor.configure([printer(stop_seconds=60)])
    supervisor.start("printer")
    process = psutil.Process(supervisor.states()["printer"].pid)
    process.suspend()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED)  # else the signal to stop may come first
    supervisor._call("stopProcess", "printer", False)  # as the killed command did before it ended
    assert supervisor.states()["printer"].state == "STOPPING"

    threading.Timer(1, process.resume).start()
    supervisor.configure([printer()])

    supervisor.start("printer")
    assert supervisor.states()["printer"].running
