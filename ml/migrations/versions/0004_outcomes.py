"""Client, patient and encounter columns of predictions; the table of outcomes; the view labelled_predictions.

Identifiers move unchanged from the records to the columns; rows older than LOG_PATIENT_IDS stay plain.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_LABELLED = """
CREATE VIEW labelled_predictions AS
SELECT p.id, p.request_id, p.position, p.predicted_at, p.model_version, p.data_source, p.client, p.load_test,
       p.patient, p.encounter, p.known_fields, p.probability, p.record,
       o.readmitted_within_30_days, o.readmitted, o.known_on, o.received_at
FROM predictions p
CROSS JOIN LATERAL (
    SELECT * FROM (
        (SELECT * FROM outcomes a WHERE a.request_id = p.request_id AND a.position = p.position
         ORDER BY a.id DESC LIMIT 1)
        UNION ALL
        (SELECT * FROM outcomes a WHERE a.encounter = p.encounter ORDER BY a.id DESC LIMIT 1)
    ) told
    ORDER BY told.id DESC
    LIMIT 1
) o
"""


def upgrade() -> None:
    """Create columns, indexes, table and view."""
    for name in ("client", "patient", "encounter"):
        op.add_column("predictions", sa.Column(name, sa.Text))
    op.execute(
        "UPDATE predictions SET patient = record->>'patient_nbr', encounter = record->>'encounter_id', "
        "record = record - 'patient_nbr' - 'encounter_id' WHERE record ?| array['patient_nbr', 'encounter_id']"
    )
    op.create_index("predictions_request", "predictions", ["request_id", "position"])
    op.create_index(
        "predictions_encounter", "predictions", ["encounter"], postgresql_where=sa.text("encounter IS NOT NULL")
    )
    op.create_table(
        "outcomes",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("request_id", sa.Text),
        sa.Column("position", sa.Integer),
        sa.Column("encounter", sa.Text),
        sa.Column("readmitted_within_30_days", sa.Boolean, nullable=False),
        sa.Column("readmitted", sa.Text),
        sa.Column("known_on", sa.Date, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.CheckConstraint(
            "(request_id IS NULL) = (position IS NULL) AND (request_id IS NULL) <> (encounter IS NULL)",
            name="outcomes_subject",
        ),
    )
    op.create_index("outcomes_request", "outcomes", ["request_id", "position", "id"])
    op.create_index("outcomes_encounter", "outcomes", ["encounter", "id"])
    op.create_index("outcomes_received_at", "outcomes", ["received_at"])
    op.execute(_LABELLED)


def downgrade() -> None:
    """Drop them; plain identifiers return to the records."""
    op.execute("DROP VIEW labelled_predictions")
    op.drop_table("outcomes")
    for index in ("predictions_request", "predictions_encounter"):
        op.drop_index(index, "predictions")
    for column, name in (("patient", "patient_nbr"), ("encounter", "encounter_id")):
        op.execute(
            f"UPDATE predictions SET record = record || jsonb_build_object('{name}', {column}::bigint) "  # noqa: S608
            f"WHERE {column} ~ '^[0-9]{{1,18}}$'"
        )
    for name in ("client", "patient", "encounter"):
        op.drop_column("predictions", name)
