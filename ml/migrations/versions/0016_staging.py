"""The schema of what the tasks of an ingestion hand on; the tables of a delivery are made by :mod:`ml.data.staging`."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the schema and the list of deliveries."""
    op.execute("CREATE SCHEMA staging")
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        schema="staging",
    )


def downgrade() -> None:
    """Drop it, with what interrupted ingestions left."""
    op.execute("DROP SCHEMA staging CASCADE")
