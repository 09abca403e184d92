"""Programs of the native stack while the disk of their logs is full."""

import sys
from pathlib import Path

import pytest

from infra.local.programs.program import Program
from infra.local.settings import StackPaths
from infra.local.supervision.supervisor import Supervisor
from tests.integration.api.conftest import eventually
from tests.support.small_disks import filled, small_disk

TALKER = """
import pathlib, sys, time
for number in range(10**6):
    print("x" * 1000, flush=True)
    pathlib.Path(sys.argv[1]).write_text(str(number))
    time.sleep(0.001)
"""
PIPE_LINES = 64
"""So many lines fill the pipe to the supervisor; a program that prints more waits until they are read."""


def test_a_program_goes_on_and_its_log_too_when_there_is_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    paths, counter = StackPaths(tmp_path / ".local"), tmp_path / "counter"
    paths.create()
    with small_disk(paths.logs, 4) as disk:
        supervisor = Supervisor(paths)
        command = [sys.executable, "-c", TALKER, str(counter)]
        supervisor.configure([Program("talker", command, is_ready=lambda _started_at: True)])
        supervisor.launch({})
        try:
            supervisor.start("talker")
            eventually(lambda: lines(counter) > 10)
            with filled(disk):
                before = lines(counter)
                eventually(lambda: lines(counter) > before + 20 * PIPE_LINES, seconds=120)
            log = disk / "talker.log"
            size = log.stat().st_size
            eventually(lambda: log.stat().st_size > size + 10_000)
        finally:
            supervisor.shut_down()


def lines(counter: Path) -> int:
    """Number of the last line that the program printed."""
    text = counter.read_text() if counter.exists() else ""
    return int(text or 0)
