"""Bundles are tried in a process of their own."""

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
from tests.faults.damages import endless, greedy
from tests.integration.api.bundles import write_bundle
from tests.integration.api.conftest import eventually


def test_a_good_bundle_passes(tmp_path: Path) -> None:
    asyncio.run(check_in_sandbox(write_bundle(tmp_path / "good"), 1))


def test_a_failed_check_is_told_in_the_words_of_the_check(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="golden requests fail"):
        asyncio.run(check_in_sandbox(write_bundle(tmp_path / "bad", golden_shift=0.1), 1))


def test_a_graph_that_takes_too_much_memory_is_refused(tmp_path: Path) -> None:
    greedy(write_bundle(tmp_path / "greedy"))

    with pytest.raises(BundleError, match=r"golden request|too much memory"):
        asyncio.run(check_in_sandbox(tmp_path / "greedy", 1))


def test_a_trial_that_is_given_up_leaves_no_process(tmp_path: Path) -> None:
    endless(write_bundle(tmp_path / "endless"))

    async def give_up() -> None:
        async with asyncio.timeout(2):
            await check_in_sandbox(tmp_path / "endless", 1)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())

    assert not [child for child in psutil.Process().children() if "api.models.sandbox" in child.cmdline()]


def test_a_trial_ends_with_its_service_however_that_ends(tmp_path: Path) -> None:
    endless(write_bundle(tmp_path / "endless"))
    call = f"check_in_sandbox({str(tmp_path / 'endless')!r}, 1)"
    program = f"import asyncio; from api.models.sandbox import check_in_sandbox; asyncio.run({call})"
    service = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)

    def trials() -> list[psutil.Process]:
        return [child for child in psutil.Process(service.pid).children() if "api.models.sandbox" in child.cmdline()]

    eventually(lambda: bool(trials()))
    (trial,) = trials()
    eventually(lambda: trial.cpu_times().user > 1)
    service.send_signal(signal.SIGKILL)
    service.wait(10)

    assert trial.wait(5) is None  # somebody else's child: psutil waits until it is gone, and knows no status
