"""Outcomes of a request without a position: they belong to its record only if it has one.

A request may be logged after its outcome, so the number of its records is known only when both are read.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

_VIEW = """
CREATE OR REPLACE VIEW labelled_predictions AS
SELECT p.id, p.request_id, p.position, p.predicted_at, p.model_version, p.data_source, p.client, p.load_test,
       p.patient, p.encounter, p.known_fields, p.probability, p.record,
       o.readmitted_within_30_days, o.readmitted, o.known_on, o.received_at
FROM predictions p
CROSS JOIN LATERAL (
    SELECT * FROM (
        (SELECT * FROM outcomes a WHERE a.request_id = p.request_id AND {same_record} ORDER BY a.id DESC LIMIT 1)
        UNION ALL
        (SELECT * FROM outcomes a WHERE a.encounter = p.encounter ORDER BY a.id DESC LIMIT 1)
    ) reported
    ORDER BY reported.id DESC
    LIMIT 1
) o
"""
_ONLY_RECORD = """(
    a.position = p.position OR a.position IS NULL AND p.position = 0
    AND NOT EXISTS (SELECT FROM predictions other WHERE other.request_id = p.request_id AND other.position > 0)
)"""
_SUBJECT = "outcomes_subject"
_ONE_SUBJECT = "(request_id IS NULL) <> (encounter IS NULL) AND {0}"


def upgrade() -> None:
    """Allow a request without a position."""
    op.drop_constraint(_SUBJECT, "outcomes")
    op.create_check_constraint(
        _SUBJECT, "outcomes", _ONE_SUBJECT.format("(request_id IS NOT NULL OR position IS NULL)")
    )
    op.execute(_VIEW.format(same_record=_ONLY_RECORD))


def downgrade() -> None:
    """A request without a position means its first record again."""
    op.execute(_VIEW.format(same_record="a.position = p.position"))
    op.drop_constraint(_SUBJECT, "outcomes")
    op.execute("UPDATE outcomes SET position = 0 WHERE request_id IS NOT NULL AND position IS NULL")
    op.create_check_constraint(_SUBJECT, "outcomes", _ONE_SUBJECT.format("(request_id IS NULL) = (position IS NULL)"))
