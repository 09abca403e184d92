"""The lock that serialises gate runs and rollbacks of all machines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from ml.warehouse.connection import transaction

_LOCK: Final = 296_002


@contextmanager
def gate_lock(engine: sa.Engine) -> Iterator[None]:
    """Wait for the lock and hold it until the context ends.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    with transaction(engine) as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield
