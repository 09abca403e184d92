"""Alembic migrations of the ``diabetes`` database, and the function that runs them."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from ml.migrations.privileges import grant
from ml.warehouse.connection import transaction

_LOCK: Final = 296_006


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Upgrade the database to a revision; at the newest one, roles get their privileges.

    Raises:
        WarehouseError: PostgreSQL is unreachable.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with transaction(engine) as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))  # of two at once, the second waits
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        if revision == "head":
            grant(connection)
