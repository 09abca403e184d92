"""Alembic migrations of the ``diabetes`` database."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from ml.warehouse.connection import transaction


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to a revision; does nothing when it is there already.

    Raises:
        WarehouseError: PostgreSQL cannot be reached.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
