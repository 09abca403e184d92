"""Bundles are tried in a process of their own."""

import asyncio
from pathlib import Path

import psutil
import pytest

from api.trial import prove
from ml.errors import BundleError
from tests.faults.damages import endless, greedy
from tests.integration.api.bundles import write_bundle


def test_a_good_bundle_passes(tmp_path: Path) -> None:
    asyncio.run(prove(write_bundle(tmp_path / "good"), 1))


def test_a_failed_check_is_told_in_the_words_of_the_check(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="golden requests fail"):
        asyncio.run(prove(write_bundle(tmp_path / "bad", golden_shift=0.1), 1))


def test_a_graph_that_takes_too_much_memory_is_refused(tmp_path: Path) -> None:
    greedy(write_bundle(tmp_path / "greedy"))

    with pytest.raises(BundleError, match=r"golden request|too much memory"):
        asyncio.run(prove(tmp_path / "greedy", 1))


def test_a_trial_that_is_given_up_leaves_no_process(tmp_path: Path) -> None:
    endless(write_bundle(tmp_path / "endless"))

    async def give_up() -> None:
        async with asyncio.timeout(2):
            await prove(tmp_path / "endless", 1)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())

    assert not [child for child in psutil.Process().children() if "api.trial" in child.cmdline()]
