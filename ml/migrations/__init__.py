"""Alembic migrations of the ``diabetes`` database, and the function that runs them."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ml.core.errors import WarehouseError
from ml.core.release import OF_THE_TABLES, Release, newer_tables
from ml.migrations.privileges import grant
from ml.warehouse.connection import transaction

_LOCK: Final = 296_006


def upgrade(engine: sa.Engine, revision: str = "head", *, prediction_retention_days: int = 0) -> None:
    """Upgrade the database to a revision; at the newest one, roles get their privileges and the release is recorded.

    Args:
        engine: of the owner.
        revision: of Alembic.
        prediction_retention_days: age at which the API may delete predictions and outcomes; 0 keeps them.

    Raises:
        WarehouseError: PostgreSQL is unreachable, or a newer release migrated the tables.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with transaction(engine) as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))  # of two at once, the second waits
        _check_known(connection, ScriptDirectory.from_config(config))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        if revision == "head":
            grant(connection, prediction_retention_days)
            comment = Release.present().model_dump_json()
            connection.exec_driver_sql("COMMENT ON TABLE schema_version IS %s", (comment,))


def _check_known(connection: sa.Connection, script: ScriptDirectory) -> None:
    present = MigrationContext.configure(connection, opts={"version_table": "schema_version"}).get_current_heads()
    unknown = {*present} - {migration.revision for migration in script.walk_revisions()}
    if unknown:
        migrated_by = Release.parse(connection.scalar(sa.text(OF_THE_TABLES)))
        raise WarehouseError(newer_tables("diabetes", min(unknown), migrated_by))
