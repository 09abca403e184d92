"""Workers, which compute the items of a sequence: this process, or those of a Dask cluster."""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from itertools import islice
from logging.handlers import QueueHandler
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from ml.core.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")

LOSS_SECONDS: Final = 60
"""Time for a worker to come back when all are lost."""


class Workers(Protocol):
    """Apply functions to items."""

    def map(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """Yield ``function(shared, item)`` in the order of the items; the function is one of a module."""


class ThisProcess:
    """Computes an item when its result is asked for."""

    def map(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """Yield ``function(shared, item)`` in the order of the items."""
        return (function(shared, item) for item in items)


THIS_PROCESS: Final = ThisProcess()


class Cluster:
    """Computes all items on the workers of a Dask cluster; an item whose worker is lost is computed again.

    Items of a lower ``priority`` wait for those of a higher one, whoever submitted them.
    """

    def __init__(self, client: "Client", priority: int = 0) -> None:
        self.client = client
        self._priority = priority

    def names(self) -> list[str]:
        """Addresses of the present workers, sorted."""
        return sorted(self.client.scheduler_info(n_workers=-1)["workers"])

    def map(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """Yield ``function(shared, item)`` in the order of the items.

        A sequence is submitted at once. Of an iterator, two items for each worker are read and submitted ahead.

        Raises:
            ClusterError: the scheduler or all workers are lost, or an item has lost several workers.
        """
        submit = self.client.submit
        with cluster_errors():
            # Unlike scattered data, the result of a task is computed again when the worker that holds it is lost.
            held = submit(_held, shared, pure=False, priority=self._priority)
            futures = (submit(_logged, function, held, item, pure=False, priority=self._priority) for item in items)
            ahead = len(items) if isinstance(items, Sized) else 2 * len(self.names())
            submitted = deque(islice(futures, ahead))
            while submitted:
                future = submitted.popleft()
                self.wait([future])
                result, records = future.result()
                future.release()
                submitted.extend(islice(futures, 1))
                for record in records:
                    logging.getLogger(record.name).handle(record)
                yield result

    def wait(self, futures: list[Any]) -> None:
        """Wait until futures are done, as long as there are workers. Raises TimeoutError."""
        from distributed import wait

        while True:
            try:
                with self.client.as_current():
                    wait(futures, timeout=LOSS_SECONDS)
            except TimeoutError:
                self.client.wait_for_workers(1, timeout=LOSS_SECONDS)
            else:
                return


def _held(value: Shared) -> Shared:
    return value


def _logged(
    function: Callable[[Shared, Item], Result], shared: Shared, item: Item
) -> tuple[Result, list[logging.LogRecord]]:
    """The result, and what was logged on the way to it, for the log of the process that asked for it."""
    logger, records, thread = logging.getLogger("ml"), queue.SimpleQueue[logging.LogRecord](), threading.get_ident()
    handler = QueueHandler(records)  # makes records that can be sent to another process
    handler.addFilter(lambda record: record.thread == thread)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        return function(shared, item), [records.get() for _ in range(records.qsize())]
    except Exception as error:
        for _ in range(records.qsize()):
            error.add_note(f"log of the worker: {records.get().getMessage()}")
        raise
    finally:
        logger.removeHandler(handler)


@contextmanager
def cluster_errors() -> Iterator[None]:
    """Convert the errors of a lost cluster.

    Raises:
        ClusterError: the scheduler or all workers are lost, or an item has lost several workers.
    """
    from distributed import CancelledError, KilledWorker
    from distributed.comm.core import CommClosedError

    try:
        yield
    except KilledWorker as error:
        raise ClusterError(
            "A part of the work has lost several workers of the Dask cluster one after the other: look at their logs; "
            "most often their memory is too small."
        ) from error
    except TimeoutError as error:
        raise ClusterError("All workers of the Dask cluster were lost: start some, then try again.") from error
    except (CommClosedError, CancelledError) as error:
        raise ClusterError("The Dask scheduler was lost, and the work with it: try again.") from error
