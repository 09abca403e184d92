"""Run a program and kill it at a step: ``python -m tests.support.killed STEP MODULE ARGUMENT ...``."""

import itertools
import os
import runpy
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

from ml.core.sandbox.process import Sandbox
from ml.promotion.ledger import Ledger
from ml.registry.client import Registry
from ml.scoring import targets

STEPS: dict[str, tuple[object, str, bool]] = {
    "before the ledger": (Ledger, "add", False),
    "after the ledger": (Ledger, "add", True),
    "after the alias": (Registry, "set_alias", True),
    "after the tags": (Ledger, "complete", False),
    "while a part is scored": (Sandbox, "run", True),
    "before a part is in the table": (targets, "copy_in", True),
    "after a part is in the table": (targets.TableTarget, "add", True),
    "after the only part is in the table": (targets.TableTarget, "add", True),
    "before a part is a file": (targets.pq, "write_table", True),
    "after a part is a file": (targets.ParquetTarget, "add", True),
}
"""Class or module and function of each step, and whether the function still does its work."""

OF_DECISIONS: Final = ("before the ledger", "after the ledger", "after the alias", "after the tags")
"""Steps of promotions and rollbacks; the others are those of batch scorings."""

SECOND: Final = {name for name in STEPS if "a part" in name}
"""Steps that are taken for the first time without being killed."""


def kill_at(step: str) -> None:
    """Make this process end, without any clean-up, when it comes to a step."""
    owner, name, works = STEPS[step]
    method: Callable[..., Any] = getattr(owner, name)
    calls = itertools.count(step not in SECOND)

    def killing(*arguments: Any, **named: Any) -> Any:
        is_last = next(calls) > 0
        found = method(*arguments, **named) if works or not is_last else None
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(owner, name, killing)


if __name__ == "__main__":
    kill_at(sys.argv[1])
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__")
