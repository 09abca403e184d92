"""Outcomes that came with newly ingested encounters, under the names that the prediction log has for these."""

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from ml.core.pseudonyms import HEX_DIGITS, Pseudonyms
from ml.schema import CANNOT_BE_READMITTED, POSITIVE
from ml.warehouse.tables import raw_data

log = logging.getLogger(__name__)

_BLOCK: Final = 10_000


@dataclass(frozen=True, slots=True)
class Delivered:
    """What an encounter became by the delivered data, and when these were ingested."""

    positive: bool
    ingested_at: datetime


def delivered(connection: sa.Connection, names: Collection[str], since: datetime, key: str) -> dict[str, Delivered]:
    """Outcomes of encounters that were ingested after a moment.

    Args:
        connection: to the ``diabetes`` database.
        names: of encounters, as the log keeps them: hashes, or plain numbers.
        since: nothing that was ingested earlier is looked at.
        key: that the hashes were made with; without it only plain numbers can be found.

    Returns:
        By name; only those of the cohort that were found.
    """
    hashed = any(len(name) == HEX_DIGITS for name in names)
    if hashed and not key:
        log.warning(
            "PREDICTION_LOG_KEY is not set here: of newly ingested encounters only those that the prediction log "
            "keeps as plain numbers are matched."
        )
    pseudonyms = Pseudonyms(key.encode(), "hash") if hashed and key else None
    wanted, found = frozenset(names), {}
    for number, delivery in _ingested(connection, since):
        hash_of_it = pseudonyms.encounter(number) if pseudonyms else None
        found.update({name: delivery for name in (str(number), hash_of_it) if name in wanted})
    return found


def _ingested(connection: sa.Connection, since: datetime) -> Iterator[tuple[int, Delivered]]:
    table = raw_data.c
    in_cohort = sa.func.coalesce(table.discharge_disposition_id, 0).not_in(CANNOT_BE_READMITTED)
    query = sa.select(table.encounter_id, table.readmitted, table.ingested_at).where(
        table.ingested_at > since, table.readmitted.is_not(None), in_cohort
    )
    rows = connection.execution_options(yield_per=_BLOCK).execute(query)
    return ((row.encounter_id, Delivered(row.readmitted == POSITIVE, row.ingested_at)) for row in rows)
