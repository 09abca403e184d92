"""Connects to the Dask cluster at ``DASK_SCHEDULER``."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ml.compute.workers import THIS_PROCESS, Cluster, Workers, cluster_errors
from ml.core.errors import ClusterError, SettingsError
from ml.core.settings import ClusterSettings

if TYPE_CHECKING:
    from distributed import Security

log = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 30


@contextmanager
def connected(settings: ClusterSettings, code: Callable[[], str], priority: int = 0) -> Iterator[Workers]:
    """Yield the workers of the settings; the connection to a cluster is closed at the end.

    ``code`` returns the version of the code, which must be the same on all workers. For ``priority`` see
    :class:`ml.compute.workers.Cluster`.

    Raises:
        ClusterError: the scheduler does not answer, or has no worker, or a worker has other code.
        SettingsError: a certificate is missing.
    """
    if not settings.dask_scheduler:
        yield THIS_PROCESS
        return
    from distributed import Client

    address = settings.dask_scheduler
    try:
        client = Client(address, security=_security(settings), timeout=TIMEOUT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise ClusterError(f"The Dask scheduler at {address} does not answer: {error}.") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=TIMEOUT_SECONDS)
        except TimeoutError as error:
            raise ClusterError(f"The Dask scheduler at {address} has no workers: start one, then try again.") from error
        with cluster_errors():
            # A worker that cannot import the function gives an error in place of a version.
            others = [name for name, found in client.run(code, on_error="return").items() if found != code()]
        if others:
            raise ClusterError(
                f"{len(others)} workers of the Dask cluster have other code, or none: start them anew with this code "
                "(docs/scaling.md)."
            )
        log.info("Dask cluster at %s: %s workers", address, len(client.nthreads()))
        yield Cluster(client, priority)


def _security(settings: ClusterSettings) -> "Security | None":
    from distributed import Security

    if not settings.dask_scheduler.startswith("tls://"):
        return None
    file = settings.dask_certificate_file
    if not file.is_file():
        raise SettingsError(f"DASK_SCHEDULER is a tls address, and {file} is not there: see docs/scaling.md.")
    return Security(tls_ca_file=str(file), tls_client_cert=str(file), tls_client_key=str(file), require_encryption=True)
