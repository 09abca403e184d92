"""The ledger of the gate: decisions about the version in production, with their metrics."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the ledger."""
    op.create_table(
        "gate_decisions",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("version", sa.Text),
        sa.Column("incumbent", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("figures", JSONB, nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "action IN ('promoted', 'refused', 'rolled_back', 'alias_moved_by_hand')", name="gate_decisions_action"
        ),
    )


def downgrade() -> None:
    """Drop the ledger."""
    op.drop_table("gate_decisions")
