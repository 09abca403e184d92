"""The watchdog ends a process whose event loop stands still, and no other."""

import subprocess
import sys
from pathlib import Path

import pytest

from api.watchdog import EXIT_STATUS

ROOT = Path(__file__).parents[3]
PROGRAM = """
import asyncio, threading
from api.watchdog import Watchdog

async def main():
    watchdog = Watchdog({limit})
    watchdog.start()
    await asyncio.sleep(0.1)
    {then}
    watchdog.stop()

asyncio.run(main())
"""


def run(limit: float, then: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(limit=limit, then=then)
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_a_loop_that_stands_still_ends_the_process_with_a_log_line_and_the_stacks() -> None:
    ended = run(0.5, "threading.Event().wait()")

    assert ended.returncode == EXIT_STATUS
    assert "the event loop has stood still for 0.5 seconds" in ended.stderr
    assert "in main" in ended.stderr  # where it stands


@pytest.mark.parametrize(("limit", "then"), [(20, "await asyncio.sleep(1.5)"), (0, "threading.Event().wait(1.5)")])
def test_a_loop_that_goes_on_and_a_watchdog_that_is_off_end_nothing(limit: float, then: str) -> None:
    assert run(limit, then).returncode == 0
