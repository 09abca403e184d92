"""Outcomes in newly ingested encounters, matched to the encounter names of the prediction log."""

import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ml.core.pseudonyms import HEX_DIGITS, Pseudonyms
from ml.schema import CANNOT_BE_READMITTED, POSITIVE
from ml.warehouse.tables import raw_data

log = logging.getLogger(__name__)

_FETCH_ROWS: Final = 10_000


def ingested_outcomes(
    connection: sa.Connection, names: Collection[str], since: datetime, key: str
) -> dict[str, sa.Row[Any]]:
    """Rows with ``positive`` and ``ingested_at`` of cohort encounters ingested after ``since``, by encounter name.

    ``names`` of the prediction log are hashes or plain numbers; without the ``key`` of the hashes only plain numbers
    can be matched.
    """
    hashed = any(len(name) == HEX_DIGITS for name in names)
    if hashed and not key:
        log.warning(
            "PREDICTION_LOG_KEY is not set here: newly ingested encounters are matched only to predictions that are "
            "logged with plain encounter numbers."
        )
    pseudonyms = Pseudonyms(key.encode(), "hash") if hashed and key else None
    table = raw_data.c
    in_cohort = sa.func.coalesce(table.discharge_disposition_id, 0).not_in(CANNOT_BE_READMITTED)
    positive = (table.readmitted == POSITIVE).label("positive")
    query = sa.select(table.encounter_id, positive, table.ingested_at).where(
        table.ingested_at > since, table.readmitted.is_not(None), in_cohort
    )
    wanted, outcomes = frozenset(names), {}
    for row in connection.execution_options(yield_per=_FETCH_ROWS).execute(query):
        pseudonym = pseudonyms.encounter(row.encounter_id) if pseudonyms else None
        outcomes.update({name: row for name in (str(row.encounter_id), pseudonym) if name in wanted})
    return outcomes
