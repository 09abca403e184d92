"""An index of the training data by the draws of their patients, by which :mod:`ml.warehouse.datasets` reads parts."""

from alembic import op

revision = "0017"
down_revision = "0016"

_DIGEST = "sha256(patient_nbr::text::bytea)"


def upgrade() -> None:
    """Create the index."""
    draw = f"(get_byte({_DIGEST}, 3) << 16) + (get_byte({_DIGEST}, 4) << 8) + get_byte({_DIGEST}, 5)"
    op.execute(f"CREATE INDEX train_data_draw ON train_data (({draw}))")


def downgrade() -> None:
    """Drop it."""
    op.drop_index("train_data_draw", "train_data")
