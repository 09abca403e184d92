"""Workers, which compute the items of a sequence: this process, or those of a Dask cluster."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from ml.core.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers(Protocol):
    """Apply functions to items."""

    def map(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Sequence[Item]
    ) -> Iterator[Result]:
        """Yield ``function(shared, item)`` in the order of the items; the function is one of a module."""


class ThisProcess:
    """Computes an item when its result is asked for."""

    def map(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Sequence[Item]
    ) -> Iterator[Result]:
        """Yield ``function(shared, item)`` in the order of the items."""
        return (function(shared, item) for item in items)


THIS_PROCESS: Final = ThisProcess()


class Cluster:
    """Computes all items on the workers of a Dask cluster; an item whose worker is lost is computed again."""

    def __init__(self, client: "Client") -> None:
        self.client = client

    def map(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Sequence[Item]
    ) -> Iterator[Result]:
        """Yield ``function(shared, item)`` in the order of the items.

        Raises:
            ClusterError: the scheduler is lost, or an item has lost several workers.
        """
        with cluster_errors():
            # Unlike scattered data, the result of a task is computed again when the worker that holds it is lost.
            held = self.client.submit(_held, shared, pure=False)
            futures = [self.client.submit(function, held, item, pure=False) for item in items]
            for future in futures:
                yield future.result()
                future.release()


def _held(value: Shared) -> Shared:
    return value


@contextmanager
def cluster_errors() -> Iterator[None]:
    """Convert the errors of a lost cluster.

    Raises:
        ClusterError: the scheduler is lost, or an item has lost several workers.
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
    except (CommClosedError, CancelledError, TimeoutError) as error:
        raise ClusterError("The Dask scheduler was lost, and the work with it: try again.") from error
