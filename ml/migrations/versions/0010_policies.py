"""Policies: the threshold from which encounters are flagged. Every change is a row; the newest row is in force."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"

_APPEND_ONLY = """
CREATE FUNCTION policies_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'policies is append-only: insert another row'; END $$
"""
_TRIGGER = """
CREATE TRIGGER policies_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policies
FOR EACH STATEMENT EXECUTE FUNCTION policies_append_only()
"""


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "policies",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("name", sa.Text),
        sa.Column("threshold", sa.Double),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text),
        sa.CheckConstraint(
            "(name IS NULL) = (threshold IS NULL) AND (threshold > 0 AND threshold < 1 OR threshold IS NULL)",
            name="policies_threshold",
        ),
    )
    op.execute(_APPEND_ONLY)
    op.execute(_TRIGGER)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("policies")
    op.execute("DROP FUNCTION policies_append_only()")
