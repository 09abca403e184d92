"""Reads the access log: who asked about which patient."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ml.core.errors import SettingsError
from ml.core.pseudonyms import Pseudonyms
from ml.warehouse.connection import transaction
from ml.warehouse.tables import accesses


def read_accesses(
    engine: sa.Engine,
    key: str,
    *,
    patient: int | str | None = None,
    encounter: int | str | None = None,
    client: str | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> Sequence[sa.Row[Any]]:
    """Entries that meet all conditions, the newest first.

    ``patient`` and ``encounter`` are canonical identifiers; the log has them as pseudonyms of the ``key``, or plain.
    Entries about a patient include those about an encounter that another entry says is the patient's.

    Raises:
        SettingsError: an identifier is given and the key is empty.
        WarehouseError: PostgreSQL does not answer, or has no tables.
    """
    entry = accesses.c
    conditions: list[sa.ColumnElement[bool]] = []
    if (patient is not None or encounter is not None) and not key:
        raise SettingsError("PREDICTION_LOG_KEY is not set here: without it no patient is found in the access log.")
    names = Pseudonyms(key.encode(), "hash")
    if patient is not None:
        is_patient = entry.patient.in_([names.patient(patient), str(patient)])
        of_patient = sa.select(entry.encounter).where(is_patient, entry.encounter.is_not(None))
        conditions.append(is_patient | entry.encounter.in_(of_patient))
    if encounter is not None:
        conditions.append(entry.encounter.in_([names.encounter(encounter), str(encounter)]))
    if client is not None:
        conditions.append(entry.client.in_([client, f"key:{client}"]))
    if since is not None:
        conditions.append(entry.accessed_at >= since)
    query = sa.select(accesses).where(*conditions).order_by(entry.accessed_at.desc(), entry.id.desc()).limit(limit)
    with transaction(engine) as connection:
        return connection.execute(query).all()
