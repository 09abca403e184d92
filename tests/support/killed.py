"""Run a program and kill it at one step of a decision: ``python -m tests.support.killed STEP MODULE ARGUMENT ...``."""

import os
import runpy
import signal
import sys
from collections.abc import Callable
from typing import Any

from ml.promotion.ledger import Ledger
from ml.registry.client import Registry

STEPS: dict[str, tuple[type, str, bool]] = {
    "before the ledger": (Ledger, "add", False),
    "after the ledger": (Ledger, "add", True),
    "after the alias": (Registry, "set_alias", True),
    "after the tags": (Ledger, "complete", False),
}
"""Class and method of each step, and whether the method still does its work."""


def kill_at(step: str) -> None:
    """Make this process end, without any clean-up, when it comes to a step."""
    owner, name, works = STEPS[step]
    method: Callable[..., Any] = getattr(owner, name)

    def killing(*arguments: Any, **named: Any) -> None:
        if works:
            method(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, killing)


if __name__ == "__main__":
    kill_at(sys.argv[1])
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__")
