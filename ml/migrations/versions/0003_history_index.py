"""An index to find a patient's encounters by: the service looks them up while a request waits."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the index."""
    op.create_index("raw_data_patient_nbr", "raw_data", ["patient_nbr"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("raw_data_patient_nbr", "raw_data")
