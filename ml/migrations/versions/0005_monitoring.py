"""Monitoring: runs, drift of each feature, and observed quality.

The role ``monitor``, if it exists, may read these tables, ingestions and decisions, but no patient data.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"

_WATCHED = "monitor_runs, monitor_drift, monitor_quality, ingestions, gate_decisions"
_WITH_MONITOR = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitor') THEN
            EXECUTE format('{0} CONNECT ON DATABASE %I {1} monitor', current_database());
            {0} SELECT ON {2} {1} monitor;
        END IF;
    END $$
"""


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "monitor_runs",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("reference_data_version", sa.Text, nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("predictions", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("details", JSONB, nullable=False),
        sa.CheckConstraint("state IN ('ok', 'drift', 'not_enough_data')", name="monitor_runs_state"),
    )
    op.create_table(
        "monitor_drift",
        sa.Column("run_id", sa.BigInteger, sa.ForeignKey("monitor_runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("feature", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("distance", sa.Double),
        sa.Column("threshold", sa.Double),
        sa.Column("p_value", sa.Double),
        sa.CheckConstraint("kind IN ('value', 'known', 'score')", name="monitor_drift_kind"),
        sa.CheckConstraint("state IN ('ok', 'drift', 'not_enough_data')", name="monitor_drift_state"),
    )
    op.create_table(
        "monitor_quality",
        sa.Column("run_id", sa.BigInteger, sa.ForeignKey("monitor_runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("model_version", sa.Text, primary_key=True),
        sa.Column("subgroup", sa.Text, primary_key=True),
        sa.Column("metric", sa.Text, primary_key=True),
        sa.Column("estimated", sa.Boolean, primary_key=True),
        sa.Column("value", sa.Double),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("positives", sa.BigInteger),
        sa.Column("coverage", sa.Double, nullable=False),
    )
    op.execute(_WITH_MONITOR.format("GRANT", "TO", _WATCHED))


def downgrade() -> None:
    """Drop them."""
    op.execute(_WITH_MONITOR.format("REVOKE", "FROM", _WATCHED))
    for table in ("monitor_quality", "monitor_drift", "monitor_runs"):
        op.drop_table(table)
