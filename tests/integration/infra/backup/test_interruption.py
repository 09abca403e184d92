"""A restore that is killed at any step is finished or undone by the next one; the state is never a mixture."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.backup.restoring import databases, restore, swap
from infra.backup.restoring.restore import restore_backup
from tests.integration.infra.backup.conftest import PASSPHRASE, UsedPlatform

STEPS: dict[str, tuple[Any, str, int, bool]] = {
    "before the second database is restored": (databases, "restore_database", 2, False),
    "before the artifacts are copied": (restore, "copy_tree", 1, False),
    "when the exchange has been decided": (swap, "swap_names", 1, True),
    "between the two servers": (databases, "_rename", 2, True),
    "before the artifacts are moved": (swap, "_move_artifacts", 1, True),
    "after the artifacts are moved": (swap, "_staged_files", 1, True),
    "before the earlier state is deleted": (swap, "discard", 1, True),
    "while the earlier state is deleted": (swap, "remove", 3, True),
}
"""Module, function, call before which the process is killed, and whether the restore is finished afterwards."""


def run_and_kill(action: Callable[[], None], module: Any, name: str, call: int) -> None:
    """Run in a child process that is killed at the given call of a function."""
    child = os.fork()
    if child == 0:
        original, calls = getattr(module, name), 0

        def counted(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == call:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)

        setattr(module, name, counted)
        try:
            action()
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_restore_is_finished_or_undone(step: str, used: UsedPlatform, backup: Path) -> None:
    module, name, call, is_finished = STEPS[step]
    restored, names = used.content(), used.databases()
    used.rows("diabetes", "DELETE FROM raw_data WHERE patient_nbr % 3 = 0")
    (used.platform.artifacts / "later").write_text("later")
    present = used.content()

    run_and_kill(lambda: restore_backup(used.platform, backup, PASSPHRASE, print, lambda: None), module, name, call)
    swap.resume(used.platform)

    assert used.content() == (restored if is_finished else present)
    assert used.databases() == names
    restore_backup(used.platform, backup, PASSPHRASE, print, lambda: None)
    assert used.content() == restored


def test_the_same_command_finishes_a_killed_restore(used: UsedPlatform, backup: Path) -> None:
    restored = used.content()
    used.rows("mlflowdb", "DELETE FROM registered_model_aliases")

    def again() -> None:
        restore_backup(used.platform, backup, PASSPHRASE, print, lambda: None)

    run_and_kill(again, swap, "_move_artifacts", 1)
    said: list[str] = []
    restore_backup(used.platform, backup, PASSPHRASE, said.append, lambda: None)

    assert used.content() == restored
    assert any("is finished" in line for line in said)
