"""The rule of each split.

Rows without one are split again by the next ingestion; the data version stays the same if nothing changed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0010"


def upgrade() -> None:
    """Add the column."""
    op.add_column("ingestions", sa.Column("split_rule", sa.Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("ingestions", "split_rule")
