"""Tables of the ``diabetes`` database: the state to which the migrations lead."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ml.schema import COLUMNS, ENCOUNTER_ID, PATIENT_ID, Column, Kind

metadata: Final = sa.MetaData()


def _sql_type(column: Column) -> sa.types.TypeEngine[Any]:
    if column.kind is Kind.IDENTIFIER:
        return sa.BigInteger()
    return sa.SmallInteger() if column.is_number else sa.Text()


def _data_columns() -> list[sa.Column[object]]:
    required = (ENCOUNTER_ID, PATIENT_ID)
    return [
        sa.Column(c.name, _sql_type(c), primary_key=c.name == ENCOUNTER_ID, nullable=c.name not in required)
        for c in COLUMNS
    ]


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp())


ingestions: Final = sa.Table(
    "ingestions",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("source", sa.Text, nullable=False),  # uci, file, synthetic
    sa.Column("provenance", sa.Text, nullable=False),  # real, synthetic
    sa.Column("content_sha256", sa.Text, nullable=False),
    sa.Column("rows_accepted", sa.BigInteger, nullable=False),
    sa.Column("rows_rejected", sa.BigInteger, nullable=False),
    sa.Column("rows_written", sa.BigInteger, nullable=False),  # inserted or changed
    sa.Column("data_version", sa.Text),  # set by the split
    sa.Column("split_rule", sa.Text),  # of the split; NULL: it is made again
    sa.Column("train_rows", sa.BigInteger),
    sa.Column("test_rows", sa.BigInteger),
    _moment("ingested_at"),
    sa.CheckConstraint("provenance IN ('real', 'synthetic')", name="ingestions_provenance"),
)

raw_data: Final = sa.Table(
    "raw_data",
    metadata,
    *_data_columns(),
    sa.Column("ingestion_id", sa.BigInteger, sa.ForeignKey("ingestions.id"), nullable=False),  # that wrote it last
    _moment("ingested_at"),  # first; a correction does not change it
    sa.Index("raw_data_patient_nbr", PATIENT_ID),  # for the lookup of a patient's history
)

_DIGEST: Final = f'sha256("{PATIENT_ID}"::text::bytea)'
DRAW: Final = f"(get_byte({_DIGEST}, 3) << 16) + (get_byte({_DIGEST}, 4) << 8) + get_byte({_DIGEST}, 5)"
"""SQL for a number below 2 ** 24, fixed for each patient. :mod:`ml.data.split` uses the bytes before, so the split and
the sample are independent."""

train_data: Final = sa.Table(
    "train_data",
    metadata,
    *_data_columns(),
    sa.Index("train_data_draw", sa.text(f"({DRAW})")),  # for a part
)
test_data: Final = sa.Table("test_data", metadata, *_data_columns())

rejected_rows: Final = sa.Table(
    "rejected_rows",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("ingestion_id", sa.BigInteger, sa.ForeignKey("ingestions.id"), nullable=False),
    sa.Column("row_number", sa.BigInteger, nullable=False),  # of the delivered file, from 1
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("record", JSONB, nullable=False),
)

predictions: Final = sa.Table(
    "predictions",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),  # of the record in its request
    sa.Column("predicted_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("model_version", sa.Text, nullable=False),
    sa.Column("data_source", sa.Text, nullable=False),
    sa.Column("record", JSONB, nullable=False),
    sa.Column("known_fields", sa.SmallInteger, nullable=False),
    sa.Column("probability", sa.Double, nullable=False),
    sa.Column("load_test", sa.Boolean, nullable=False),
    sa.Column("client", sa.Text),  # name of the API key, else a pseudonym of the address
    sa.Column("patient", sa.Text),  # this and encounter: in the form that LOG_PATIENT_IDS sets
    sa.Column("encounter", sa.Text),
    sa.Index("predictions_predicted_at", "predicted_at"),
    sa.Index("predictions_request", "request_id", "position"),
    sa.Index("predictions_encounter", "encounter", postgresql_where=sa.text("encounter IS NOT NULL")),
)

# Reported outcomes. A correction is a new row: the last row of a subject counts. The view labelled_predictions joins
# outcomes to predictions.
outcomes: Final = sa.Table(
    "outcomes",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("request_id", sa.Text),  # the subject is a record of a request, or an encounter
    sa.Column("position", sa.Integer),  # NULL: of the only record of the request
    sa.Column("encounter", sa.Text),
    sa.Column("readmitted_within_30_days", sa.Boolean, nullable=False),
    sa.Column("readmitted", sa.Text),  # value of the data set, if reported in that form
    sa.Column("known_on", sa.Date, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    _moment("received_at"),
    sa.CheckConstraint(
        "(request_id IS NULL) <> (encounter IS NULL) AND (request_id IS NOT NULL OR position IS NULL)",
        name="outcomes_subject",
    ),
    sa.Index("outcomes_request", "request_id", "position", "id"),  # finds the last row of a subject
    sa.Index("outcomes_encounter", "encounter", "id"),
    sa.Index("outcomes_received_at", "received_at"),
)

# Who asked about which patient: a row for each patient or encounter of a request. Triggers add the rows of predictions
# and outcomes. Kept apart from the prediction log, because it is kept for longer and holds no answer.
accesses: Final = sa.Table(
    "accesses",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _moment("accessed_at"),
    sa.Column("action", sa.Text, nullable=False),  # predicted, explained, or outcome reported
    sa.Column("client", sa.Text),  # client, patient and encounter as in predictions
    sa.Column("request_id", sa.Text),
    sa.Column("patient", sa.Text),
    sa.Column("encounter", sa.Text),
    sa.CheckConstraint("patient IS NOT NULL OR encounter IS NOT NULL", name="accesses_subject"),
    sa.Index("accesses_accessed_at", "accessed_at"),
    sa.Index("accesses_patient", "patient", postgresql_where=sa.text("patient IS NOT NULL")),
    sa.Index("accesses_encounter", "encounter", postgresql_where=sa.text("encounter IS NOT NULL")),
)

# Batch scorings of stored records; the same source, history and version are one scoring, however often it is begun.
scorings: Final = sa.Table(
    "scorings",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),  # of ml.scoring.identity.Identity
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("model_version", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("rows_scored", sa.BigInteger, nullable=False),  # committed; the next run goes on after them
    sa.Column("rows_invalid", sa.BigInteger, nullable=False),
    _moment("started_at"),
    sa.Column("finished_at", sa.DateTime(timezone=True)),  # NULL: interrupted, or under way
    sa.UniqueConstraint("digest", name="scorings_digest"),
)

scores: Final = sa.Table(
    "scores",
    metadata,
    sa.Column("scoring_id", sa.BigInteger, sa.ForeignKey("scorings.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("row_number", sa.BigInteger, primary_key=True),  # of the source, from 1
    sa.Column("encounter_id", sa.Text),  # as in the source, which may have texts
    sa.Column("patient_nbr", sa.Text),
    sa.Column("readmission_risk", sa.REAL),  # NULL: see error
    sa.Column("known_fields", sa.SmallInteger),
    sa.Column("history", sa.Text),
    sa.Column("outside_population", sa.Text),  # why the model does not apply
    sa.Column("error", sa.Text),  # why the record is not valid
    sa.CheckConstraint("(readmission_risk IS NULL) = (error IS NOT NULL)", name="scores_error"),
)

gate_decisions: Final = sa.Table(
    "gate_decisions",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _moment("decided_at"),
    sa.Column("action", sa.Text, nullable=False),  # of ml.promotion.ledger.Action
    sa.Column("version", sa.Text),  # the subject; for a moved alias its target, NULL if deleted
    sa.Column("incumbent", sa.Text),  # in production before
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("figures", JSONB, nullable=False),
    sa.Column("completed_at", sa.DateTime(timezone=True)),  # when alias and tags were set; NULL: interrupted
    sa.Column("approval", sa.Text),  # signed envelope of ml.core.signing.approval, if the action approves a version
    sa.Column("idempotency_key", sa.Text),  # DAG id and run id of the DAG run that decided, if one did
    sa.CheckConstraint(
        "action IN ('promoted', 'refused', 'rolled_back', 'alias_moved_by_hand', 'adopted', 'signed_again')",
        name="gate_decisions_action",
    ),
)

# Every change of the policy is a row, and a trigger refuses to change one; the newest row is in force.
policies: Final = sa.Table(
    "policies",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _moment("changed_at"),
    sa.Column("name", sa.Text),  # with threshold NULL: nobody is flagged
    sa.Column("threshold", sa.Double),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("model_version", sa.Text),  # on whose figures the threshold was chosen
    sa.CheckConstraint(
        "(name IS NULL) = (threshold IS NULL) AND (threshold > 0 AND threshold < 1 OR threshold IS NULL)",
        name="policies_threshold",
    ),
)

# What `retain` deleted. A row without an end was interrupted; the next run deleted the rest.
deletions: Final = sa.Table(
    "deletions",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _moment("started_at"),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("versions", ARRAY(sa.Text), nullable=False),  # model versions to delete
    sa.Column("counts", JSONB),  # numbers by kind
    sa.Column("freed_bytes", sa.BigInteger),  # of files
    sa.Column("finished_at", sa.DateTime(timezone=True)),
)

monitor_runs: Final = sa.Table(
    "monitor_runs",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _moment("finished_at"),
    sa.Column("model_version", sa.Text, nullable=False),  # in production, whose training data are the reference
    sa.Column("reference_data_version", sa.Text, nullable=False),
    sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
    sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
    sa.Column("predictions", sa.BigInteger, nullable=False),  # in the window, load tests apart
    sa.Column("state", sa.Text, nullable=False),  # of ml.monitoring.drift.State; the worst of monitor_drift
    sa.Column("details", JSONB, nullable=False),  # notes, and the MLflow run of the report
    sa.CheckConstraint("state IN ('ok', 'drift', 'not_enough_data')", name="monitor_runs_state"),
)

monitor_drift: Final = sa.Table(
    "monitor_drift",
    metadata,
    sa.Column("run_id", sa.BigInteger, sa.ForeignKey("monitor_runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),  # value: of known values; known: whether it is known; score
    sa.Column("feature", sa.Text, primary_key=True),  # a feature, or "probability"
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),  # on which the distance is based
    sa.Column("distance", sa.Double),
    sa.Column("threshold", sa.Double),  # smallest distance that is drift, at this number of records
    sa.Column("p_value", sa.Double),  # before the correction for multiple tests
    sa.CheckConstraint("kind IN ('value', 'known', 'score')", name="monitor_drift_kind"),
    sa.CheckConstraint("state IN ('ok', 'drift', 'not_enough_data')", name="monitor_drift_state"),
)

monitor_quality: Final = sa.Table(
    "monitor_quality",
    metadata,
    sa.Column("run_id", sa.BigInteger, sa.ForeignKey("monitor_runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("model_version", sa.Text, primary_key=True),
    sa.Column("subgroup", sa.Text, primary_key=True),  # "all", or such as "gender=Female"
    sa.Column("metric", sa.Text, primary_key=True),  # of ml.evaluation.metrics
    sa.Column("estimated", sa.Boolean, primary_key=True),  # from the probabilities alone, if few outcomes are known
    sa.Column("value", sa.Double),  # NULL if undefined
    sa.Column("low", sa.Double),
    sa.Column("high", sa.Double),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("positives", sa.BigInteger),  # NULL if estimated
    sa.Column("coverage", sa.Double, nullable=False),  # share of the mature predictions whose outcome is known
)
