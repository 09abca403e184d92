"""The access log: who asked about which patient. Triggers add the rows of new predictions and outcomes."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_INSERT: Final = "INSERT INTO accesses (accessed_at, action, client, request_id, patient, encounter) SELECT DISTINCT"
_ENTRIES: Final = {
    "predictions": f"""{_INSERT}
        predicted_at, 'predicted', client, request_id, patient, encounter
        FROM {{rows}} WHERE patient IS NOT NULL OR encounter IS NOT NULL""",
    "outcomes": f"""{_INSERT}
        o.received_at, 'outcome reported', o.client, o.request_id, p.patient, coalesce(o.encounter, p.encounter)
        FROM {{rows}} o LEFT JOIN predictions p ON p.request_id = o.request_id AND p.position = coalesce(o.position, 0)
        WHERE o.encounter IS NOT NULL OR p.patient IS NOT NULL OR p.encounter IS NOT NULL""",
}
"""Statements that enter rows of a table."""

_FUNCTION: Final = """
    CREATE FUNCTION log_accesses_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN {statement}; RETURN NULL; END $$
"""
_TRIGGER: Final = """
    CREATE TRIGGER log_accesses AFTER INSERT ON {table} REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION log_accesses_of_{table}()
"""


def upgrade() -> None:
    """Create table and triggers, and enter what is logged already."""
    op.create_table(
        "accesses",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("accessed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("client", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("patient", sa.Text),
        sa.Column("encounter", sa.Text),
        sa.CheckConstraint("patient IS NOT NULL OR encounter IS NOT NULL", name="accesses_subject"),
    )
    op.create_index("accesses_accessed_at", "accesses", ["accessed_at"])
    for column in ("patient", "encounter"):
        is_given = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"accesses_{column}", "accesses", [column], postgresql_where=is_given)
    for table, statement in _ENTRIES.items():
        op.execute(statement.format(rows=table))
        op.execute(_FUNCTION.format(table=table, statement=statement.format(rows="added")))
        op.execute(_TRIGGER.format(table=table))


def downgrade() -> None:
    """Drop them."""
    for table in _ENTRIES:
        op.execute(f"DROP TRIGGER log_accesses ON {table}")
        op.execute(f"DROP FUNCTION log_accesses_of_{table}()")
    op.drop_table("accesses")
