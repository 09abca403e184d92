"""Idempotency key of a decision: a DAG run that is run again finds the rollback that it began."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"


def upgrade() -> None:
    """Add the column."""
    op.add_column("gate_decisions", sa.Column("idempotency_key", sa.Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("gate_decisions", "idempotency_key")
