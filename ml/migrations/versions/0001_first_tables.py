"""First tables: ingestions, raw, train and test data, rejected rows, predictions; a schema for Optuna.

The columns are a copy, independent of later changes of ml.schema.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

_NAMES = """
    encounter_id patient_nbr race gender age weight admission_type_id discharge_disposition_id
    admission_source_id time_in_hospital payer_code medical_specialty num_lab_procedures num_procedures
    num_medications number_outpatient number_emergency number_inpatient diag_1 diag_2 diag_3 number_diagnoses
    max_glu_serum A1Cresult metformin repaglinide nateglinide chlorpropamide glimepiride acetohexamide glipizide
    glyburide tolbutamide pioglitazone rosiglitazone acarbose miglitol troglitazone tolazamide examide
    citoglipton insulin glyburide-metformin glipizide-metformin glimepiride-pioglitazone metformin-rosiglitazone
    metformin-pioglitazone change diabetesMed readmitted
""".split()
_BIG = ("encounter_id", "patient_nbr")
_SMALL = """
    admission_type_id discharge_disposition_id admission_source_id time_in_hospital num_lab_procedures
    num_procedures num_medications number_outpatient number_emergency number_inpatient number_diagnoses
""".split()


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "ingestions",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("provenance", sa.Text, nullable=False),
        sa.Column("content_sha256", sa.Text, nullable=False),
        sa.Column("rows_accepted", sa.BigInteger, nullable=False),
        sa.Column("rows_rejected", sa.BigInteger, nullable=False),
        sa.Column("rows_written", sa.BigInteger, nullable=False),
        sa.Column("data_version", sa.Text),
        sa.Column("train_rows", sa.BigInteger),
        sa.Column("test_rows", sa.BigInteger),
        _ingested_at(),
        sa.CheckConstraint("provenance IN ('real', 'synthetic')", name="ingestions_provenance"),
    )
    op.create_table(
        "raw_data",
        *_data_columns(),
        sa.Column("ingestion_id", sa.BigInteger, sa.ForeignKey("ingestions.id"), nullable=False),
        _ingested_at(),
    )
    op.create_table("train_data", *_data_columns())
    op.create_table("test_data", *_data_columns())
    op.create_table(
        "rejected_rows",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("ingestion_id", sa.BigInteger, sa.ForeignKey("ingestions.id"), nullable=False),
        sa.Column("row_number", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("record", JSONB, nullable=False),
    )
    op.create_table(
        "predictions",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("predicted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("data_source", sa.Text, nullable=False),
        sa.Column("record", JSONB, nullable=False),
        sa.Column("known_fields", sa.SmallInteger, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("load_test", sa.Boolean, nullable=False),
    )
    op.create_index("predictions_predicted_at", "predictions", ["predicted_at"])
    # Optuna migrates its own tables, so they have their own schema.
    op.execute("CREATE SCHEMA optuna")


def downgrade() -> None:
    """Drop all tables."""
    op.execute("DROP SCHEMA optuna CASCADE")
    for table in ("predictions", "rejected_rows", "test_data", "train_data", "raw_data", "ingestions"):
        op.drop_table(table)


def _ingested_at() -> sa.Column[object]:
    return sa.Column(
        "ingested_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()
    )


def _data_columns() -> list[sa.Column[object]]:
    return [
        sa.Column(name, _type(name), primary_key=name == "encounter_id", nullable=name not in _BIG) for name in _NAMES
    ]


def _type(name: str) -> sa.types.TypeEngine[Any]:
    if name in _BIG:
        return sa.BigInteger()
    return sa.SmallInteger() if name in _SMALL else sa.Text()
