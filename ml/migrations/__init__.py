"""Alembic migrations of the ``diabetes`` database, and the function that runs them."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from ml.warehouse.connection import transaction


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Upgrade the database to a revision.

    Raises:
        WarehouseError: PostgreSQL is unreachable.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
