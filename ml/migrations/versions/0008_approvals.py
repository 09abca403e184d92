"""Signed approvals: the envelope of each decision that approves a version, and two more actions of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_CHECK = "gate_decisions_action"
_ACTIONS = "action IN ('promoted', 'refused', 'rolled_back', 'alias_moved_by_hand'{0})"


def upgrade() -> None:
    """Add the column and the actions."""
    op.add_column("gate_decisions", sa.Column("approval", sa.Text))
    op.drop_constraint(_CHECK, "gate_decisions")
    op.create_check_constraint(_CHECK, "gate_decisions", _ACTIONS.format(", 'adopted', 'signed_again'"))


def downgrade() -> None:
    """Delete the approvals."""
    op.execute("GRANT DELETE ON gate_decisions TO CURRENT_USER")
    op.execute("DELETE FROM gate_decisions WHERE action IN ('adopted', 'signed_again')")
    op.drop_constraint(_CHECK, "gate_decisions")
    op.create_check_constraint(_CHECK, "gate_decisions", _ACTIONS.format(""))
    op.drop_column("gate_decisions", "approval")
