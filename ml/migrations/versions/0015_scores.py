"""Batch scorings of stored records, and their scores."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "scorings",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("rows_scored", sa.BigInteger, nullable=False),
        sa.Column("rows_invalid", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("digest", name="scorings_digest"),
    )
    op.create_table(
        "scores",
        sa.Column("scoring_id", sa.BigInteger, sa.ForeignKey("scorings.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("row_number", sa.BigInteger, primary_key=True),
        sa.Column("encounter_id", sa.Text),
        sa.Column("patient_nbr", sa.Text),
        sa.Column("readmission_risk", sa.REAL),
        sa.Column("known_fields", sa.SmallInteger),
        sa.Column("history", sa.Text),
        sa.Column("outside_population", sa.Text),
        sa.Column("error", sa.Text),
        sa.CheckConstraint("(readmission_risk IS NULL) = (error IS NOT NULL)", name="scores_error"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("scores")
    op.drop_table("scorings")
