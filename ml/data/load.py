"""Loads validated rows into ``raw_data``: one transaction, idempotent."""

import logging
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from ml.core.errors import ProvenanceError
from ml.data.sources.delivery import Delivery
from ml.data.staging import Stage, StagedRows, stale_input
from ml.data.validation import REJECTED_COLUMNS
from ml.schema import COLUMN_NAMES, ENCOUNTER_ID
from ml.warehouse.connection import transaction
from ml.warehouse.tables import ingestions, raw_data, rejected_rows

log = logging.getLogger(__name__)

_LOCK: Final = 296_001


@dataclass(frozen=True, slots=True)
class Ingested:
    """Result of a load. ``new`` is False if the same content was loaded before."""

    ingestion_id: int
    rows_written: int
    new: bool


def lock(connection: sa.Connection) -> None:
    """Wait for other ingestions and splits; the lock is held until the transaction ends."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def load(engine: sa.Engine, delivery: Delivery, validated: StagedRows) -> Ingested:
    """Upsert validated rows and drop their staged tables.

    The latest delivery of an encounter wins, and unchanged rows are not written.

    A corrected row keeps ``ingested_at``: a model may have been trained on it since then.

    Real data replaces synthetic data; synthetic data never replaces real data.

    Raises:
        ProvenanceError: the rows are synthetic and the database has real ones.
        StaleInputError: an earlier call loaded the rows, or a crash of PostgreSQL lost them.
        WarehouseError: PostgreSQL is unreachable.
    """
    with transaction(engine) as connection:
        lock(connection)
        stage = Stage(connection, validated.staging_id)
        latest = connection.execute(sa.select(ingestions).order_by(ingestions.c.id.desc()).limit(1)).first()
        if latest and latest.content_sha256 == validated.content_sha256 and latest.provenance == delivery.provenance:
            log.info("Nothing new: this content was ingested as number %s on %s", latest.id, latest.ingested_at)
            stage.drop()
            return Ingested(latest.id, 0, new=False)
        stage.claim()
        _delete_synthetic(connection, delivery)
        row = ingestions.insert().values(
            source=delivery.source,
            provenance=delivery.provenance,
            content_sha256=validated.content_sha256,
            rows_accepted=validated.rows_accepted,
            rows_rejected=validated.rows_rejected,
            rows_written=0,
        )
        ingestion_id = int(connection.execute(row.returning(ingestions.c.id)).scalar_one())
        written = _upsert(stage, ingestion_id, validated)
        connection.execute(ingestions.update().where(ingestions.c.id == ingestion_id).values(rows_written=written))
        _insert_rejected(stage, ingestion_id)
        stage.drop()
    log.info("Ingestion %s: %s rows written, %s rejected", ingestion_id, f"{written:,}", validated.rows_rejected)
    return Ingested(ingestion_id, written, new=True)


def _delete_synthetic(connection: sa.Connection, delivery: Delivery) -> None:
    real = sa.select(ingestions.c.id).where(ingestions.c.provenance == "real")
    has_real = sa.select(raw_data.select().where(raw_data.c.ingestion_id.in_(real)).exists())
    if delivery.provenance == "synthetic" and connection.scalar(has_real):
        raise ProvenanceError(
            "The database holds real encounters, and synthetic ones never replace them: "
            "set DATA_SOURCE to uci or file, or use another database."
        )
    synthetic = sa.select(ingestions.c.id).where(ingestions.c.provenance == "synthetic")
    connection.execute(raw_data.delete().where(raw_data.c.ingestion_id.in_(synthetic)))


def _upsert(stage: Stage, ingestion_id: int, validated: StagedRows) -> int:
    names = [f'"{name}"' for name in COLUMN_NAMES]
    others = [name for name in names if name != f'"{ENCOUNTER_ID}"']
    columns = ", ".join(names)
    staged = stage.table("encounters")
    if stage.connection.scalar(sa.select(sa.func.count()).select_from(staged)) != validated.rows_accepted:
        raise stale_input()
    result = stage.connection.exec_driver_sql(
        f"""
        INSERT INTO raw_data AS held ({columns}, ingestion_id)
        SELECT {columns}, {ingestion_id:d} FROM {staged.fullname}
        ON CONFLICT ("{ENCOUNTER_ID}") DO UPDATE SET
            ({", ".join(others)}) = ROW({", ".join(f"excluded.{name}" for name in others)}),
            ingestion_id = excluded.ingestion_id
        WHERE ({", ".join(f"held.{name}" for name in others)})
            IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in others)})
        """  # noqa: S608  names come from the schema
    )
    return int(result.rowcount)


def _insert_rejected(stage: Stage, ingestion_id: int) -> None:
    rows = sa.select(sa.literal(ingestion_id), *stage.table("rejected").c)
    stage.connection.execute(rejected_rows.insert().from_select(["ingestion_id", *REJECTED_COLUMNS], rows))
