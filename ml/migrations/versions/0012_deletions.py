"""What ``retain`` deleted: by whom, when, which model versions, and how much."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0012"
down_revision = "0011"

_FOR_THE_MONITOR = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitor') THEN GRANT SELECT ON deletions TO monitor; END IF;
    END $$
"""


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "deletions",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("versions", ARRAY(sa.Text), nullable=False),
        sa.Column("counts", JSONB),
        sa.Column("freed_bytes", sa.BigInteger),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    )
    op.execute(_FOR_THE_MONITOR)


def downgrade() -> None:
    """Drop it."""
    op.drop_table("deletions")
