"""Rejected rows without identifiers: earlier ones have them as delivered, later ones as pseudonyms."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Remove them; ``row_number`` still finds the row in the delivered file."""
    op.execute("UPDATE rejected_rows SET record = record - 'patient_nbr' - 'encounter_id'")


def downgrade() -> None:
    """Nothing to undo."""
