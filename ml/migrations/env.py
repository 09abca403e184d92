"""Alembic environment; uses the connection of :func:`ml.migrations.upgrade`, so all migrations are one transaction."""

from alembic import context

from ml.warehouse.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table="schema_version"
)
context.run_migrations()
