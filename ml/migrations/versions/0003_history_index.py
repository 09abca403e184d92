"""An index for the lookup of a patient's encounters during a request."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the index."""
    op.create_index("raw_data_patient_nbr", "raw_data", ["patient_nbr"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("raw_data_patient_nbr", "raw_data")
