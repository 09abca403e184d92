import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from infra.local.errors import StackError
from infra.local.programs.program import Program
from infra.local.settings import StackSettings
from infra.local.stack import Stack

SLEEPER = Program(
    name="sleeper", command=[sys.executable, "-c", "import time; time.sleep(600)"], is_ready=lambda _started_at: True
)
CRASHER = Program(
    name="crasher",
    command=[sys.executable, "-c", "raise SystemExit('no such table: patients')"],
    is_ready=lambda _started_at: False,
)


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    stack = Stack(StackSettings.load(local_dir=tmp_path / ".local"), Console(file=io.StringIO(), width=100))
    stack.settings.paths.create()
    stack.supervisor.configure([SLEEPER, CRASHER])
    stack.supervisor.launch({})
    yield stack
    stack.down()


def test_a_program_that_ends_is_named_and_its_log_has_the_reason(stack: Stack) -> None:
    with pytest.raises(StackError, match="crasher ended instead of starting") as caught:
        stack.start([CRASHER])
    assert caught.value.log is not None
    assert "no such table: patients" in caught.value.log.read_text()


def test_a_program_that_never_gets_ready_is_named(stack: Stack) -> None:
    with pytest.raises(StackError, match="sleeper runs but is not ready"):
        stack.start([replace(SLEEPER, is_ready=lambda _started_at: False, start_seconds=1)])


def test_starting_twice_reuses_the_process(stack: Stack) -> None:
    stack.start([SLEEPER])
    before = stack.supervisor.states()["sleeper"].pid
    stack.start([SLEEPER])
    assert stack.supervisor.states()["sleeper"].pid == before


def test_memory_includes_all_processes(stack: Stack) -> None:
    before = stack.memory()
    stack.start([SLEEPER])
    assert stack.memory() > before > 0


def test_down_stops_everything_and_then_reports_that_nothing_ran(stack: Stack) -> None:
    stack.start([SLEEPER])
    processes = stack.supervisor.processes()
    assert stack.down()
    assert not any(process.is_running() for process in processes)
    assert not stack.down()


def test_down_stops_processes_that_outlived_a_killed_supervisor(stack: Stack) -> None:
    stack.start([SLEEPER])
    root, child = stack.supervisor.processes()
    root.kill()
    root.wait(10)
    assert stack.down()
    assert not child.is_running()


def test_clean_stops_and_deletes_everything(stack: Stack) -> None:
    stack.start([SLEEPER])
    stack.clean()
    assert not stack.settings.paths.home.exists()
    assert not stack.supervisor.running
