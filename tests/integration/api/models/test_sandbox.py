"""Bundles are checked in a process of their own."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from api.models.sandbox import check_in_sandbox
from infra.local.settings import ROOT
from ml.core.errors import BundleError
from tests.faults.damages import slow
from tests.integration.api.bundles import write_bundle
from tests.integration.api.conftest import eventually
from tests.security.hostile_bundles import memory_by_the_square_of_the_rows


def test_a_valid_bundle_passes(tmp_path: Path) -> None:
    asyncio.run(check_in_sandbox(write_bundle(tmp_path / "good"), 1))


def test_the_error_is_that_of_the_failed_check(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="golden requests fail"):
        asyncio.run(check_in_sandbox(write_bundle(tmp_path / "bad", golden_shift=0.1), 1))


def test_a_graph_that_exceeds_the_memory_limit_is_rejected(tmp_path: Path) -> None:
    memory_by_the_square_of_the_rows(write_bundle(tmp_path / "greedy"))

    with pytest.raises(BundleError, match=r"answers fail|memory"):
        asyncio.run(check_in_sandbox(tmp_path / "greedy", 1))


def test_a_cancelled_check_leaves_no_process(tmp_path: Path) -> None:
    slow(write_bundle(tmp_path / "slow"))

    async def check_with_timeout() -> None:
        async with asyncio.timeout(2):
            await check_in_sandbox(tmp_path / "slow", 1)

    with pytest.raises(TimeoutError):
        asyncio.run(check_with_timeout())

    assert not [child for child in psutil.Process().children() if "ml.core.sandbox.worker" in child.cmdline()]


def test_the_check_ends_when_the_service_is_killed(tmp_path: Path) -> None:
    slow(write_bundle(tmp_path / "slow"))
    call = f"check_in_sandbox(Path({str(tmp_path / 'slow')!r}), 1)"
    imports = "import asyncio; from pathlib import Path; from api.models.sandbox import check_in_sandbox"
    program = f"{imports}; asyncio.run({call})"
    service = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)

    def checks() -> list[psutil.Process]:
        return [
            child for child in psutil.Process(service.pid).children() if "ml.core.sandbox.worker" in child.cmdline()
        ]

    eventually(lambda: bool(checks()))
    (check,) = checks()
    eventually(lambda: check.cpu_times().user > 1)
    service.send_signal(signal.SIGKILL)
    service.wait(10)

    assert check.wait(5) is None  # not our child: psutil waits for its end and has no status
