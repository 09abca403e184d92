"""``python -m ml`` as a process that a fault meets at a chosen moment of its work.

The imports of a command take most of its time. A server with these imports forks a process for each command instead.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final

import requests
import sqlalchemy as sa

from ml.cli import main as cli
from ml.cli.common import errors, open_registry, open_warehouse
from ml.core.errors import PlatformError
from ml.data import ingest as _ingest
from ml.promotion import gate as _gate
from ml.promotion.rollback import roll_back
from ml.training import train as _train

PRELOADED: Final = (_ingest, _gate, _train)
"""What the commands import when they are called."""
OF_A_RUN: Final = "roll_back_model"
"""In place of a command: the task of this DAG, with the key of its run."""
COMMAND_SECONDS: Final = 600
DONE, REFUSED, KILLED = 0, 2, -9
"""Exit statuses."""


class Moments:
    """Counts the calls of PostgreSQL and MLflow, before and after; reports one of them, and may wait there."""

    def __init__(self, parent: Connection, number: int, waits: bool) -> None:
        self._parent, self._number, self._waits = parent, number, waits
        self._passed = 0

    def watch(self) -> None:
        """Observe every call of this process from now on."""
        send = requests.adapters.HTTPAdapter.send

        def sending(*arguments: Any, **named: Any) -> Any:
            self._next()
            answer = send(*arguments, **named)
            self._next()
            return answer

        requests.adapters.HTTPAdapter.send = sending  # type: ignore[method-assign]
        for event in ("before_cursor_execute", "after_cursor_execute", "commit"):
            sa.event.listen(sa.Engine, event, self._next)

    def _next(self, *_: object) -> None:
        self._passed += 1
        if self._passed == self._number:
            self._parent.send("here")
            if self._waits:
                self._parent.recv()


def _main(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, parent: Connection, number: int, waits: bool
) -> None:
    """The forked process."""
    os.environ.update(environment)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    Moments(parent, number, waits).watch()
    if arguments[0] == OF_A_RUN:
        _roll_back_once(*arguments[1:])
    else:
        sys.argv = ["ml", "--quiet", *arguments]
        cli.main()


def _roll_back_once(run: str) -> None:
    try:
        with open_warehouse() as (settings, engine):
            roll_back(settings, engine, open_registry(settings), run, idempotency_key=run)
    except PlatformError as error:  # fails the task
        errors.print(str(error))
        sys.exit(REFUSED)


class Command:
    """A command that runs.

    Args:
        arguments: of ``python -m ml``, or :data:`OF_A_RUN` and the key.
        environment: variables besides those of this process.
        log: file for its output.
        moment: number of the call at which :meth:`reached` returns; the calls of services are counted.
        waits: whether the command stays there until :meth:`go_on`.
    """

    _context = multiprocessing.get_context("forkserver")

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: Path, moment: int = 0, waits: bool = True
    ) -> None:
        self._context.set_forkserver_preload([__name__])
        self._connection, child = self._context.Pipe()
        self._process = self._context.Process(
            target=_main, args=(arguments, environment, log, child, moment, waits), daemon=True
        )
        self._process.start()
        child.close()

    def reached(self) -> None:
        """Wait for the moment, or for the end of the command if that comes first."""
        assert wait([self._connection, self._process.sentinel], COMMAND_SECONDS), "it neither works nor ends"

    def go_on(self) -> None:
        """Let the command continue, unless it has ended."""
        with suppress(OSError):
            self._connection.send("go on")

    def kill(self) -> None:
        """End it without any clean-up."""
        self._process.kill()

    def end(self) -> int:
        """Wait for its end; the exit status, negative for a signal."""
        self._process.join(COMMAND_SECONDS)
        assert self._process.exitcode is not None, "the command did not end in time"
        return self._process.exitcode
